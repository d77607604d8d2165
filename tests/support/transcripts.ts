import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import type { TurnEvent } from "../../lib/protocol.js";
import type { NotificationMessage } from "../../lib/jsonrpc/message.js";
import { threadIdOf, turnIdOf } from "../../lib/messages/message-ids.js";

const directory = path.join(import.meta.dirname, "../fixtures/transcripts");

/** One turn of a transcript: what the server told about it, up to and including its end. */
export interface RecordedTurn {
  readonly threadId: string;
  readonly turnId: string;
  readonly events: readonly TurnEvent[];
}

export function transcriptNames(): string[] {
  const files = readdirSync(directory).filter((name) => name.endsWith(".jsonl"));
  return files.map((name) => path.basename(name, ".jsonl"));
}

/** The server's notifications of a transcript, in order. */
export function recordedNotifications(name: string): NotificationMessage[] {
  const lines = readFileSync(path.join(directory, `${name}.jsonl`), "utf8")
    .trimEnd()
    .split("\n");
  return lines.flatMap((line) => {
    const { dir, message } = JSON.parse(line) as {
      dir: string;
      message: Partial<NotificationMessage>;
    };
    const isNotification = dir === "in" && message.method !== undefined && !("id" in message);
    return isNotification ? [message as NotificationMessage] : [];
  });
}

/** The turns of a transcript that ended in it, in the order in which they were first heard of. */
export function recordedTurns(name: string): RecordedTurn[] {
  const turns = new Map<string, { threadId: string; turnId: string; events: TurnEvent[] }>();
  const ended = new Set<string>();
  for (const message of recordedNotifications(name)) {
    const [threadId, turnId] = [threadIdOf(message), turnIdOf(message)];
    if (threadId === undefined || turnId === undefined) continue;
    const key = `${threadId} ${turnId}`;
    if (ended.has(key)) continue;
    const turn = turns.get(key) ?? { threadId, turnId, events: [] };
    turns.set(key, turn);
    turn.events.push(message as TurnEvent);
    if (message.method === "turn/completed") ended.add(key);
  }
  return [...turns].flatMap(([key, turn]) => (ended.has(key) ? [turn] : []));
}
