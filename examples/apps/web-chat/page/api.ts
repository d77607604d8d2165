import {
  post,
  readTurn,
  WebProblemError,
  type TurnReading,
  type WebProblem,
} from "codex-app-server-sdk/browser";
import type { ChatHistory, ChatThread } from "codex-app-server-sdk/http";

export async function listThreads(): Promise<readonly ChatThread[]> {
  return (await get<{ threads: ChatThread[] }>("/api/threads")).threads;
}

export async function startThread(): Promise<ChatThread> {
  return (await post("/api/threads", {})) as ChatThread;
}

export function readThread(id: string): Promise<ChatHistory> {
  return get(`/api/threads/${encodeURIComponent(id)}`);
}

async function get<T>(url: string): Promise<T> {
  const response = await fetch(url);
  const body: unknown = await response.json();
  if (!response.ok) throw new WebProblemError(body as WebProblem);
  return body as T;
}

/** Starts a turn, and gives its id in the addresses below. */
export async function startTurn(threadId: string, input: string): Promise<string> {
  const url = `/api/threads/${encodeURIComponent(threadId)}/turns`;
  return ((await post(url, { input })) as { turnId: string }).turnId;
}

/** The parts of a turn, from its start, over whatever becomes of the network. */
export function followTurn(id: string, signal: AbortSignal, onReconnect: () => void): TurnReading {
  return readTurn(`/api/turns/${id}/events`, { signal, onReconnect });
}

/** An answer to an approval or a question. */
export interface Answer {
  readonly key: string;
  readonly decision: "accept" | "decline" | "cancel";
  readonly answers?: Record<string, string>;
  readonly content?: Record<string, string | number | boolean>;
}

export async function sendAnswer(id: string, answer: Answer): Promise<void> {
  await post(`/api/turns/${id}/answers`, answer);
}

export async function steerTurn(id: string, input: string): Promise<void> {
  await post(`/api/turns/${id}/steer`, { input });
}

export async function stopTurn(id: string): Promise<void> {
  await post(`/api/turns/${id}/interrupt`, {});
}
