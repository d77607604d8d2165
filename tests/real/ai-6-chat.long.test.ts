import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  DefaultChatTransport,
  isTextUIPart,
  isToolUIPart,
  lastAssistantMessageIsCompleteWithApprovalResponses,
  type FileUIPart,
  type UIMessage,
} from "ai";
import { existsSync } from "node:fs";
import path from "node:path";
import { createUIMessageChat, type UIMessageChat } from "../../lib/ai/index.js";
import { toNodeHandler } from "../../lib/http/index.js";
import type { Codex } from "../../lib/index.js";
import { reply, type LoopbackModel, type Reply } from "../../lib/testing/index.js";
import { AiChat } from "../support/ai-chat.js";
import { RealStage } from "../support/real.js";
import { startWebServer, type WebServer } from "../support/web-server.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;
let handler: UIMessageChat;
let web: WebServer;
let count = 0;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
  handler = createUIMessageChat({
    codex,
    basePath: "/api/chat",
    owner: ({ header }) => header("x-user"),
    newThread: { approvalPolicy: "untrusted" },
  });
  web = await startWebServer(toNodeHandler(handler));
  // The first one starts the server.
  await codex.startThread();
});
afterAll(async () => {
  await web.close();
  await handler.streams.close();
  await stage.close();
});

const newId = () => `chat-${(count += 1)}`;

function open(id = newId(), user = "ada"): AiChat {
  return new AiChat({
    id,
    transport: new DefaultChatTransport({
      api: `${web.url}/api/chat`,
      headers: { "x-user": user },
    }),
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
  });
}

/** Says something in the chat, for which the model has these replies. */
async function say(chat: AiChat, replies: Reply[], files: FileUIPart[] = []): Promise<void> {
  const word = `word-${(count += 1)}`;
  model.enqueueFor(({ body }) => JSON.stringify(body).includes(word), ...replies);
  await chat.sendMessage({ text: word, files });
}

function post(chat: AiChat, action: string, body: unknown = {}, user = "ada"): Promise<Response> {
  return fetch(`${web.url}/api/chat/${chat.id}/${action}`, {
    method: "POST",
    headers: { "x-user": user, "content-type": "application/json" },
    body: JSON.stringify(body),
  });
}

const textOf = (message: UIMessage | undefined) =>
  (message?.parts ?? []).map((part) => (isTextUIPart(part) ? part.text : "")).join("");
const toolsOf = (message: UIMessage | undefined) => (message?.parts ?? []).filter(isToolUIPart);
const asked = (message: UIMessage) =>
  toolsOf(message).flatMap((part) =>
    part.state === "approval-requested" ? [part.approval.id] : [],
  )[0];
const says = (text: string) => (message: UIMessage) =>
  textOf(message) === text ? message : undefined;
const touch = (name: string) => `touch ${path.join(stage.project, name)}`;
const exists = (name: string) => existsSync(path.join(stage.project, name));

describe("the buttons of the AI SDK", () => {
  test("end the response, and the post of the answers goes on with the same message", async () => {
    const chat = open();
    await say(chat, [
      [reply.commentary("First this. "), reply.shell(touch("one"))],
      reply.shell(touch("two")),
      reply.text("Done."),
    ]);
    expect([chat.status, chat.error]).toEqual(["ready", undefined]);
    const first = asked(chat.lastMessage as UIMessage) ?? "";
    expect([first, exists("one")]).toEqual([expect.any(String), false]);
    await chat.addToolApprovalResponse({ id: first, approved: true });
    await chat.idle();
    const second = asked(chat.lastMessage as UIMessage) ?? "";
    expect(second).not.toBe(first);
    expect([exists("one"), exists("two")]).toEqual([true, false]);
    await chat.addToolApprovalResponse({ id: second, approved: false });
    await chat.idle();
    expect(textOf(chat.lastMessage)).toBe("First this. Done.");
    expect(chat.messages).toHaveLength(2);
    expect(exists("two")).toBe(false);
    expect(toolsOf(chat.lastMessage)).toMatchObject([
      { toolName: "command", state: "output-available", output: { exitCode: 0 } },
      { toolName: "command", state: "output-denied" },
    ]);
  });

  test("work for approvals that are open at once", async () => {
    const chat = open();
    const both = [reply.shell(touch("three")), reply.shell(touch("four"))];
    await say(chat, [both, reply.text("Both.")]);
    for (let count = 0; count < 2; count += 1) {
      const id = asked(chat.lastMessage as UIMessage) ?? "";
      await chat.addToolApprovalResponse({ id, approved: true });
      await chat.idle();
    }
    expect([chat.error, textOf(chat.lastMessage)]).toEqual([undefined, "Both."]);
    expect([exists("three"), exists("four")]).toEqual([true, true]);
  });

  test("work behind a reload, and the approval is asked once more", async () => {
    const chat = open();
    await say(chat, [reply.shell(touch("five")), reply.text("Done.")]);
    const again = open(chat.id);
    await again.resumeStream();
    const id = asked(again.lastMessage as UIMessage) ?? "";
    expect(again.lastMessage).toEqual(chat.lastMessage);
    await again.addToolApprovalResponse({ id, approved: true });
    await again.idle();
    expect([textOf(again.lastMessage), again.messages.length]).toEqual(["Done.", 1]);
    expect(exists("five")).toBe(true);
    const third = open(chat.id);
    await third.resumeStream();
    expect([textOf(third.lastMessage), asked(third.lastMessage as UIMessage)]).toEqual([
      "Done.",
      undefined,
    ]);
  });

  test("find what goes on when somebody else has answered", async () => {
    const chat = open();
    await say(chat, [reply.shell(touch("six")), reply.text("Done.")]);
    const id = asked(chat.lastMessage as UIMessage) ?? "";
    const answer = { key: id, decision: "decline" };
    expect((await post(chat, "answers", answer, "eve")).status).toBe(404);
    expect((await post(chat, "answers", answer)).status).toBe(204);
    expect((await post(chat, "answers", answer)).status).toBe(409);
    await chat.addToolApprovalResponse({ id, approved: true });
    await chat.idle();
    expect([chat.error, textOf(chat.lastMessage)]).toEqual([undefined, "Done."]);
    expect(toolsOf(chat.lastMessage)).toMatchObject([{ state: "output-denied" }]);
    expect(exists("six")).toBe(false);
  });
});

describe("a chat", () => {
  test("refuses a message while a turn runs, and takes one as soon as that was stopped", async () => {
    const gate = reply.hold();
    const chat = open();
    const sending = say(chat, [reply.text(["Half ", gate, "whole."])]);
    await chat.until(says("Half "));
    const other = open(chat.id);
    await other.sendMessage({ text: "And this?" });
    expect([other.status, other.error?.message]).toEqual([
      "error",
      "The conversation is busy with another message. Please wait for its answer.",
    ]);
    expect((await post(chat, "stop", {}, "eve")).status).toBe(404);
    expect((await post(chat, "stop")).status).toBe(204);
    await sending;
    expect([chat.status, textOf(chat.lastMessage)]).toEqual(["ready", "Half "]);
    await say(chat, [reply.text("Again.")]);
    expect([chat.error, textOf(chat.lastMessage)]).toEqual([undefined, "Again."]);
    const [first, second] = [chat.messages[1], chat.messages[3]];
    const threadOf = (message?: UIMessage) =>
      (message?.metadata as { threadId: string } | undefined)?.threadId;
    expect(threadOf(first)).toBe(threadOf(second));
  });

  test("of another user with the same id is another one, and sees nothing of the first", async () => {
    const ada = open();
    await say(ada, [reply.shell(touch("seven"))]);
    const id = asked(ada.lastMessage as UIMessage) ?? "";
    const eve = open(ada.id, "eve");
    await eve.resumeStream();
    expect(eve.messages).toEqual([]);
    eve.messages = structuredClone(ada.messages);
    await eve.addToolApprovalResponse({ id, approved: true });
    await eve.idle();
    expect(eve.error?.message).toBe("This does not exist, or is not yours.");
    await say(eve, [reply.text("Hello, Eve.")]);
    expect(textOf(eve.lastMessage)).toBe("Hello, Eve.");
    const { threadId } = eve.lastMessage?.metadata as { threadId: string };
    expect(ada.lastMessage?.metadata).not.toMatchObject({ threadId });
    expect(exists("seven")).toBe(false);
    expect((await post(ada, "stop")).status).toBe(204);
  });

  test("takes pictures, and no other files", async () => {
    const chat = open();
    const dot =
      "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
    const files = [{ type: "file" as const, mediaType: "image/png", url: dot }];
    await say(chat, [reply.text("A dot.")], files);
    expect([chat.error, textOf(chat.lastMessage)]).toEqual([undefined, "A dot."]);
    expect(JSON.stringify(model.requests.at(-1)?.body)).toContain(dot);
    for (const url of ["https://example.com/a.png", "file:///etc/passwd", "data:text/plain,x"]) {
      const refused = open();
      await refused.sendMessage({ files: [{ type: "file", mediaType: "image/png", url }] });
      expect(refused.error?.message).toBe("Only images can be sent, as data: URLs.");
    }
  });
});

describe("when something is lost", () => {
  /** Ends the server of the chats, which the next message replaces. */
  async function kill(): Promise<void> {
    for (const pid of await stage.processes()) process.kill(pid, "SIGKILL");
    await untilIdle();
  }

  async function untilIdle(): Promise<void> {
    while (codex.runningTurns.length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  test("a turn whose server ends while it asks is told so, and the chat goes on", async () => {
    const chat = open();
    await say(chat, [reply.shell(touch("lost"))]);
    const id = asked(chat.lastMessage as UIMessage) ?? "";
    await kill();
    await chat.addToolApprovalResponse({ id, approved: true });
    await chat.idle();
    expect(chat.error?.message).toContain("lost");
    expect(exists("lost")).toBe(false);
    await say(chat, [reply.text("On.")]);
    expect(textOf(chat.lastMessage)).toBe("On.");
  });

  test("a chat whose thread was deleted says so, and takes no message for another one", async () => {
    const chat = open();
    await say(chat, [reply.text("First.")]);
    const [newest] = (await codex.listThreads({ limit: 1 })).data;
    await codex.deleteThread(newest?.id ?? "");
    await say(chat, [reply.text("Second.")]);
    expect(chat.error?.message).toEqual(expect.any(String));
    expect(textOf(chat.lastMessage)).not.toBe("Second.");
  });

  test("two messages at once are one turn, and a refusal", async () => {
    const chat = open();
    await say(chat, [reply.text("First.")]);
    const two = [open(chat.id), open(chat.id)] as const;
    await Promise.all(two.map((each) => say(each, [reply.text("One.")])));
    expect(two.filter(({ error }) => error === undefined)).toHaveLength(1);
    await untilIdle();
  });
});
