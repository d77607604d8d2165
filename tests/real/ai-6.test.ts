import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { DefaultChatTransport, isTextUIPart, isToolUIPart, type UIMessage } from "ai";
import { existsSync } from "node:fs";
import path from "node:path";
import { readPostedMessages, toUIMessageResponse } from "../../lib/ai/index.js";
import { toNodeHandler, toProblemResponse, TurnStreams } from "../../lib/http/index.js";
import type { Codex, StartThreadOptions, Thread } from "../../lib/index.js";
import { reply, type LoopbackModel, type Reply } from "../../lib/testing/index.js";
import { AiChat } from "../support/ai-chat.js";
import { RealStage } from "../support/real.js";
import { startWebServer, type WebServer } from "../support/web-server.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;
let streams: TurnStreams;
let web: WebServer;
/** The thread of each chat, and the stream of its newest turn. */
const threads = new Map<string, Thread>();
const newest = new Map<string, string>();

const userOf = (request: { readonly headers: Headers }) => request.headers.get("x-user") ?? "";

/** The routes of docs/ai-sdk.md. */
async function handle(request: Request): Promise<Response> {
  const [, , named, action = ""] = new URL(request.url).pathname.split("/");
  try {
    const body = (request.method === "POST" ? await request.json() : {}) as {
      id?: string;
      messages?: unknown;
    };
    const chat = named ?? body.id ?? "";
    const id = newest.get(chat);
    if (request.method === "GET") {
      if (id === undefined) return new Response(null, { status: 204 });
      return toUIMessageResponse(await streams.parts(request, id));
    }
    if (action === "stop") {
      await streams.interrupt(request, id ?? "");
      return new Response(null, { status: 204 });
    }
    const { text, approvals } = readPostedMessages(body.messages);
    if (action === "approvals") {
      for (const { key, approved } of approvals) {
        await streams.answer(request, id ?? "", { key, decision: approved ? "accept" : "decline" });
      }
      return new Response(null, { status: 204 });
    }
    const thread = threads.get(chat);
    if (!thread || text === undefined) return new Response(null, { status: 400 });
    const turn = streams.add(thread.turn(text), { owner: userOf(request) });
    newest.set(chat, turn);
    return toUIMessageResponse(await streams.parts(request, turn));
  } catch (error) {
    return toProblemResponse(error);
  }
}

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
  streams = new TurnStreams({
    authorize: (request, { owner }) => request.header("x-user") === owner,
  });
  web = await startWebServer(toNodeHandler(handle));
});
afterEach(() => {
  newest.clear();
});
afterAll(async () => {
  await web.close();
  await streams.close();
  await stage.close();
});

const headers = { "x-user": "ada" };

async function open(options: StartThreadOptions, ...replies: Reply[]) {
  const thread = await codex.startThread({ ...streams.handlers, ...options });
  model.enqueueFor(thread.id, ...replies);
  threads.set(thread.id, thread);
  return { thread, chat: chatOf(thread.id) };
}

function chatOf(id: string): AiChat {
  return new AiChat({
    id,
    transport: new DefaultChatTransport({ api: `${web.url}/chat`, headers }),
  });
}

function post(chat: AiChat, action: string, user = "ada"): Promise<Response> {
  return fetch(`${web.url}/chat/${chat.id}/${action}`, {
    method: "POST",
    headers: { "x-user": user, "content-type": "application/json" },
    body: JSON.stringify({ messages: chat.messages }),
  });
}

const textOf = (message: UIMessage | undefined) =>
  (message?.parts ?? []).map((part) => (isTextUIPart(part) ? part.text : "")).join("");
const toolsOf = (message: UIMessage | undefined) => (message?.parts ?? []).filter(isToolUIPart);
const asked = (message: UIMessage) =>
  toolsOf(message).flatMap((part) =>
    part.state === "approval-requested" ? [part.approval.id] : [],
  )[0];

test("text, a command with its output, and the usage arrive as one message", async () => {
  const { thread, chat } = await open({}, reply.shell("echo out-of-it"), reply.text("Done."));
  await chat.sendMessage({ text: "Go" });
  expect([chat.status, chat.error]).toEqual(["ready", undefined]);
  expect(textOf(chat.lastMessage)).toBe("Done.");
  expect(toolsOf(chat.lastMessage)).toMatchObject([
    {
      type: "dynamic-tool",
      toolName: "command",
      state: "output-available",
      output: { status: "completed", output: "out-of-it\n", exitCode: 0 },
    },
  ]);
  const counts = { total: expect.any(Number) as unknown };
  expect(chat.lastMessage?.metadata).toMatchObject({ threadId: thread.id, usage: counts });
});

test.each([true, false])(
  "a button answers an approval: %s; another user's does not",
  async (yes) => {
    const file = path.join(stage.project, `approved-${yes}`);
    const asking = { approvalPolicy: "untrusted" } as const;
    const { chat } = await open(asking, reply.shell(`touch ${file}`), reply.text("Done."));
    const sending = chat.sendMessage({ text: "Touch" });
    const id = await chat.until(asked);
    await chat.addToolApprovalResponse({ id, approved: yes });
    expect((await post(chat, "approvals", "eve")).status).toBe(404);
    expect(existsSync(file)).toBe(false);
    expect((await post(chat, "approvals")).status).toBe(204);
    await sending;
    const state = yes ? "output-available" : "output-denied";
    expect(toolsOf(chat.lastMessage)).toMatchObject([{ state, toolName: "command" }]);
    expect(textOf(chat.lastMessage)).toBe("Done.");
    expect(existsSync(file)).toBe(yes);
  },
);

test("leaving is not stopping: a page that was reloaded goes on, and its stop ends the turn", async () => {
  const gate = reply.hold();
  const { chat } = await open({}, reply.text(["Half ", gate, "whole."]));
  const sending = chat.sendMessage({ text: "Talk" });
  const half = (message: UIMessage) => textOf(message) === "Half " || undefined;
  await chat.until(half);
  await chat.stop();
  await sending;
  const again = chatOf(chat.id);
  const resuming = again.resumeStream();
  await again.until(half);
  expect((await post(again, "stop", "eve")).status).toBe(404);
  expect((await post(again, "stop")).status).toBe(204);
  await resuming;
  expect(again.status).toBe("ready");
  expect(again.messages).toHaveLength(1);
  expect(textOf(again.lastMessage)).toBe("Half ");
});

test("a reload finds the whole turn when it is over, and nothing where there was none", async () => {
  const { chat } = await open({}, reply.text("Hello."));
  const before = chatOf(chat.id);
  await before.resumeStream();
  expect([before.status, before.messages]).toEqual(["ready", []]);
  await chat.sendMessage({ text: "Hi" });
  const again = chatOf(chat.id);
  await again.resumeStream();
  expect(again.lastMessage?.parts).toEqual(chat.lastMessage?.parts);
  expect(again.lastMessage?.id).toBe(chat.lastMessage?.id);
});

test("a turn that fails is an error with a text for users", async () => {
  const { chat } = await open({}, reply.failed("invalid_prompt", "internal-detail"));
  await chat.sendMessage({ text: "Go" });
  expect(chat.status).toBe("error");
  expect(chat.error?.message).toMatch(/\S/);
  expect(chat.error?.message).not.toContain("internal-detail");
});
