import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import {
  createChat,
  TurnView,
  type Chat,
  type ChatHistory,
  type TurnPart,
} from "../../lib/http/index.js";
import type { Codex } from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { RealStage } from "../support/real.js";

let stage: RealStage;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  stage = await RealStage.open();
});
afterEach(async () => {
  for (const each of opened.splice(0).reverse()) await each.close();
});
afterAll(() => stage.close());

/** A chat in a process of its own, as far as its `Codex` and its memory go. */
function startChat(codex: Codex = stage.codex()): Chat {
  const chat = createChat({
    codex,
    owner: ({ header }) => header("x-user"),
    newThread: { cwd: stage.project, approvalPolicy: "untrusted" },
  });
  opened.push(codex, chat.streams);
  return chat;
}

async function ask(chat: Chat, route: string, body?: object, user = "ada"): Promise<Response> {
  const [method = "", pathname = ""] = route.split(" ");
  const headers = { "x-user": user, "content-type": "application/json" };
  const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
  return chat(new Request(`http://localhost${pathname}`, init));
}

async function told<T>(response: Response | Promise<Response>): Promise<T> {
  return (await (await response).json()) as T;
}

async function startTurn(chat: Chat, threadId: string, input: string): Promise<string> {
  const started = await ask(chat, `POST /threads/${threadId}/turns`, { input });
  return (await told<{ turnId: string }>(started)).turnId;
}

const readThread = (chat: Chat, id: string) => told<ChatHistory>(ask(chat, `GET /threads/${id}`));
const viewOf = (parts: readonly TurnPart[]) => parts.reduce(TurnView.apply, TurnView.empty);
const textsOf = ({ entries }: TurnView) =>
  entries.flatMap((entry) => ("text" in entry ? [entry.text] : []));

test("another process reads a thread, and goes on with it under the settings of the chat", async () => {
  stage.model.enqueue(reply.text("The first answer."));
  const before = startChat();
  const { threadId } = await told<{ threadId: string }>(ask(before, "POST /threads", {}));
  await (
    await ask(before, `GET /turns/${await startTurn(before, threadId, "First")}/events`)
  ).text();
  for (const each of opened.splice(0).reverse()) await each.close();

  const chat = startChat();
  expect((await ask(chat, `GET /threads/${threadId}`)).status).toBe(404);
  await chat.streams.ownThread(threadId, "ada");
  expect((await ask(chat, `GET /threads/${threadId}`, undefined, "eve")).status).toBe(404);
  const { title, turns, running } = await readThread(chat, threadId);
  expect([title, running]).toEqual(["First", []]);
  expect(turns.map((parts) => textsOf(viewOf(parts)))).toEqual([["First", "The first answer."]]);
  expect(viewOf(turns[0] ?? []).end).toMatchObject({ status: "completed" });

  const file = path.join(stage.project, "asked");
  stage.model.enqueue(reply.shell(`touch ${file}`), reply.text("The second answer."));
  const turnId = await startTurn(chat, threadId, "Second");
  const events = await ask(chat, `GET /turns/${turnId}/events`);
  let key: string | undefined;
  let seen = "";
  for await (const bytes of events.body ?? []) {
    seen += new TextDecoder().decode(bytes as Uint8Array);
    const [, asked] = /"type":"request","key":"([^"]+)"/.exec(seen) ?? [];
    if (key !== undefined || asked === undefined) continue;
    key = asked;
    expect(existsSync(file)).toBe(false);
    const now = await readThread(chat, threadId);
    expect(now.running).toEqual([turnId]);
    expect(now.turns).toHaveLength(1);
    expect(
      (await ask(chat, `POST /turns/${turnId}/answers`, { key, decision: "accept" })).status,
    ).toBe(204);
  }
  expect(seen).toContain("The second answer.");
  expect(existsSync(file)).toBe(true);
  const after = await readThread(chat, threadId);
  expect(after.turns.map((parts) => textsOf(viewOf(parts)).at(-1))).toEqual([
    "The first answer.",
    "The second answer.",
  ]);
});
