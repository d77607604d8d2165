import { readdirSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import { notificationRouting } from "../../../generated/routing.js";
import {
  validateClientRequest,
  validateNotification,
  validateResult,
  validateServerRequest,
  validateServerRequestResult,
} from "../../support/schemas.js";
import { recordedMessages } from "../../support/transcripts.js";

interface Message {
  readonly id?: string | number;
  readonly method?: string;
  readonly params?: Readonly<Record<string, unknown>>;
  readonly result?: unknown;
  readonly error?: unknown;
}

interface Line {
  readonly dir: "in" | "out";
  readonly message: Message;
}

const folder = new URL("../../fixtures/transcripts/", import.meta.url);
const transcripts = readdirSync(folder).filter((name) => name.endsWith(".jsonl"));

function readTranscript(name: string): Line[] {
  return recordedMessages(name.replace(/\.jsonl$/, "")) as Line[];
}

/** The problems of one message; requests that the server refused are not ours to judge. */
function problemsOf({ dir, message }: Line, transcript: readonly Line[]): string[] {
  const { id, method, params } = message;
  const other = dir === "in" ? "out" : "in";
  if (method !== undefined && id === undefined) {
    return dir === "in" ? validateNotification(method, params) : [];
  }
  if (method !== undefined) {
    if (dir === "in") return validateServerRequest(method, params);
    const refused = transcript.some(
      (line) => line.dir === "in" && line.message.id === id && line.message.error !== undefined,
    );
    return refused ? [] : validateClientRequest(method, params);
  }
  if (message.result === undefined) return [];
  // The two directions count their ids independently.
  const request = transcript.find(
    (line) => line.dir === other && line.message.id === id && line.message.method !== undefined,
  );
  const asked = request?.message.method ?? "";
  return dir === "in"
    ? validateResult(asked, message.result)
    : validateServerRequestResult(asked, message.result);
}

describe("recorded transcripts of the real server", () => {
  test("exist", () => {
    expect(transcripts.length).toBeGreaterThan(0);
  });

  test.each(transcripts)("%s: the schemas accept every message", (name) => {
    const transcript = readTranscript(name);
    const refused = transcript.flatMap((line) =>
      problemsOf(line, transcript).map(
        (problem) => `${line.message.method ?? "answer"}: ${problem}`,
      ),
    );
    expect(transcript.length).toBeGreaterThan(0);
    expect(refused).toEqual([]);
  });

  test.each(transcripts)("%s: every notification keeps its ids where the table says", (name) => {
    for (const { dir, message } of readTranscript(name)) {
      if (dir === "out" || message.method === undefined || message.id !== undefined) continue;
      const route = notificationRouting[message.method as keyof typeof notificationRouting];
      const ids = Object.values<string>(route).map((path) => valueAt(message.params, path));
      const strange = ids.filter((id) => typeof id !== "string" && id !== null);
      expect({ method: message.method, strange }).toEqual({ method: message.method, strange: [] });
    }
  });
});

describe("the schemas", () => {
  const item = {
    type: "agentMessage",
    id: "msg_1",
    text: "Done.",
    phase: "final_answer",
    memoryCitation: null,
    moderation: null,
    delivery: null,
    questions: null,
  };
  const completed = { threadId: "t1", turnId: "u1", item, completedAtMs: 1_700_000_000_000 };
  const usage = { threadId: "t1", turnId: "u1", itemId: "msg_1", delta: "Do" };
  const approval = {
    kind: "command",
    threadId: "t1",
    turnId: "u1",
    itemId: "i1",
    startedAtMs: 1_700_000_000_000,
    environmentId: null,
  };

  test("accept a sound message of each kind, with fields that nobody knows", () => {
    expect(validateNotification("item/completed", { ...completed, zzz: [1] })).toEqual([]);
    expect(validateNotification("item/agentMessage/delta", usage)).toEqual([]);
    expect(validateClientRequest("turn/interrupt", { threadId: "t1", turnId: "u1" })).toEqual([]);
    expect(validateClientRequest("turn/start", textInput("Hello"))).toEqual([]);
    expect(validateResult("turn/steer", { turnId: "u1", more: true })).toEqual([]);
    expect(validateServerRequest("item/commandExecution/requestApproval", approval)).toEqual([]);
    expect(
      validateServerRequestResult("item/commandExecution/requestApproval", { decision: "accept" }),
    ).toEqual([]);
  });

  test("refuse a damaged one, and say where", () => {
    expect(
      validateNotification("item/completed", { ...completed, item: { ...item, text: 4 } }),
    ).toEqual(["/item/text must be string"]);
    expect(validateNotification("item/agentMessage/delta", { ...usage, delta: undefined })).toEqual(
      ["value must have required property 'delta'"],
    );
    expect(validateClientRequest("turn/interrupt", { threadId: 7, turnId: "u1" })).toEqual([
      "/threadId must be string",
    ]);
    expect(validateClientRequest("turn/start", textInput(12))).toEqual([
      "/input/0/text must be string",
    ]);
    expect(validateResult("turn/steer", {})).toEqual([
      "value must have required property 'turnId'",
    ]);
    expect(
      validateServerRequest("item/commandExecution/requestApproval", { ...approval, itemId: null }),
    ).toEqual(["/itemId must be string"]);
    expect(
      validateServerRequestResult("item/commandExecution/requestApproval", { decision: "maybe" }),
    ).not.toEqual([]);
  });

  test("refuse an item of a type that does not exist", () => {
    const unknown = { ...completed, item: { type: "daydream", id: "x" } };
    expect(validateNotification("item/completed", unknown)).toEqual([
      expect.stringMatching(/^\/item is none of the \d+ alternatives$/),
    ]);
  });

  test("judge a method without params", () => {
    expect(validateClientRequest("account/logout", undefined)).toEqual([]);
    expect(validateClientRequest("account/logout", {})).toEqual([]);
    expect(validateClientRequest("account/logout", { all: true })).toEqual([
      "account/logout has no params",
    ]);
  });

  test("know params that may be missing from params that may not", () => {
    expect(validateClientRequest("account/usage/read", undefined)).toEqual([]);
    expect(validateClientRequest("thread/loaded/list", undefined)).toEqual([
      "value must be object",
    ]);
  });

  test("name a method that does not exist", () => {
    expect(validateNotification("turn/finished", {})).toEqual([
      "there is no method turn/finished in serverNotifications",
    ]);
    expect(validateResult("turn/finished", {})).toEqual([
      "there is no method turn/finished in clientRequests",
    ]);
  });
});

function textInput(text: unknown): object {
  return { threadId: "t1", input: [{ type: "text", text }] };
}

function valueAt(params: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>((value, key) => (value as Record<string, unknown> | null)?.[key], params);
}
