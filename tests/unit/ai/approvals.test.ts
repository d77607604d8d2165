import { expect, test } from "@jest/globals";
import {
  isToolUIPart,
  lastAssistantMessageIsCompleteWithApprovalResponses,
  type ChatTransport,
  type UIMessage,
  type UIMessageChunk,
} from "ai";
import { readPostedMessages } from "../../../lib/ai/index.js";
import { chunkStream } from "../../../lib/ai/chunk-stream.js";
import { UIMessageChunks } from "../../../lib/ai/ui-message-chunks.js";
import type { TurnPart } from "../../../lib/parts/turn-part.js";
import { AiChat } from "../../support/ai-chat.js";
import { partsOfStream } from "../../support/golden-parts.js";
import { recordedStreams } from "../../support/recorded-streams.js";
import { transcriptNames } from "../../support/transcripts.js";

async function* iterate(parts: readonly TurnPart[]): AsyncGenerator<TurnPart> {
  await Promise.resolve();
  yield* parts;
}

/** Shows parts that are there already. Each request is open until the page has answered it. */
class StoredTransport implements ChatTransport<UIMessage> {
  readonly #parts: readonly TurnPart[];
  readonly #answered = new Set<string>();
  posts = 0;

  constructor(parts: readonly TurnPart[]) {
    this.#parts = parts;
  }

  sendMessages({ messages }: { messages: UIMessage[] }): Promise<ReadableStream<UIMessageChunk>> {
    this.posts += 1;
    // What a browser posts is JSON.
    const { approvals } = readPostedMessages(JSON.parse(JSON.stringify(messages)));
    const shown = new Set(approvals.map(({ key }) => key));
    for (const key of shown) this.#answered.add(key);
    const last = this.#parts.findLastIndex(
      (part) => part.type === "request" && shown.has(part.key),
    );
    const before = this.#parts.slice(0, last + 1);
    let isSeen = true;
    const chunks = new UIMessageChunks({
      isOpen: (key) => (isSeen ? shown.has(key) : !this.#answered.has(key)),
    });
    for (const part of before) {
      chunks.next(part);
      chunks.goOn();
    }
    isSeen = false;
    const rest = iterate(this.#parts.slice(last + 1));
    const stream = chunkStream(rest, chunks, before.length > 0 ? chunks.goOn() : []);
    return Promise.resolve(stream as ReadableStream<UIMessageChunk>);
  }

  reconnectToStream(): Promise<ReadableStream<UIMessageChunk>> {
    const chunks = new UIMessageChunks({ isOpen: (key) => !this.#answered.has(key) });
    return Promise.resolve(
      chunkStream(iterate(this.#parts), chunks) as ReadableStream<UIMessageChunk>,
    );
  }
}

const openApproval = (message: UIMessage | undefined): string | undefined =>
  message?.parts.flatMap((part) =>
    isToolUIPart(part) && part.state === "approval-requested" ? [part.approval.id] : [],
  )[0];

/** What a user sees of the message: its texts, and its calls with how they ended. */
function seenOf(message: UIMessage | undefined): unknown {
  const texts = message?.parts.flatMap((part) => (part.type === "text" ? [part.text] : [])) ?? [];
  const calls = message?.parts.filter(isToolUIPart) ?? [];
  const ends = calls.map((part) => [part.toolCallId, part.state, "output" in part && part.output]);
  return { text: texts.join(""), ends: ends.sort() };
}

async function answerAll(chat: AiChat): Promise<void> {
  for (let key = openApproval(chat.lastMessage); key !== undefined;) {
    const before = key;
    await chat.addToolApprovalResponse({ id: before, approved: true });
    await chat.idle();
    key = openApproval(chat.lastMessage);
    expect(key).not.toBe(before);
  }
}

const turns = transcriptNames().flatMap((name) =>
  recordedStreams(name)
    .map((stream, index) => [`${name} ${index}`, partsOfStream(stream)] as const)
    .filter(([, parts]) => parts.some(({ type }) => type === "request")),
);
const asking = turns.filter(([, parts]) => parts.some(isApproval));

function make(parts: readonly TurnPart[]) {
  const transport = new StoredTransport(parts);
  const chat = new AiChat({
    transport,
    sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
  });
  return { transport, chat };
}

function isApproval(part: TurnPart): boolean {
  if (part.type !== "request") return false;
  return part.toolId !== undefined || !["questions", "form", "other"].includes(part.request.kind);
}

test("some of the recorded turns ask", () => {
  expect(asking.length).toBeGreaterThan(3);
});

test.each(turns)(
  "the answers to %s are posted one by one, and nothing is lost",
  async (_n, parts) => {
    const { transport, chat } = make(parts);
    await chat.sendMessage({ text: "Go" });
    await answerAll(chat);
    expect(transport.posts).toBe(1 + parts.filter(isApproval).length);
    // A page that comes when all is answered sees the same at once.
    const late = new AiChat({ transport });
    await late.resumeStream();
    expect(seenOf(chat.lastMessage)).toEqual(seenOf(late.lastMessage));
    expect(chat.messages).toHaveLength(2);
    expect(chat.lastMessage?.id).toBe(late.lastMessage?.id);
  },
);

test.each(asking)("a reload before each answer to %s makes no difference", async (_n, parts) => {
  const { transport, chat } = make(parts);
  await chat.sendMessage({ text: "Go" });
  let newest = chat;
  for (let key = openApproval(newest.lastMessage); key !== undefined;) {
    newest = new AiChat({
      transport,
      sendAutomaticallyWhen: lastAssistantMessageIsCompleteWithApprovalResponses,
    });
    await newest.resumeStream();
    expect(openApproval(newest.lastMessage)).toBe(key);
    await newest.addToolApprovalResponse({ id: key, approved: true });
    await newest.idle();
    key = openApproval(newest.lastMessage);
  }
  const late = new AiChat({ transport });
  await late.resumeStream();
  expect(seenOf(newest.lastMessage)).toEqual(seenOf(late.lastMessage));
  expect(newest.messages).toHaveLength(1);
});

const make1 = { kind: "command", command: "one" } as const;
const make2 = { kind: "command", command: "two" } as const;
const end = {
  type: "end",
  status: "completed",
  finalResponse: "Half whole",
  usage: null,
  durationMs: null,
} as const;

const inParallel: readonly TurnPart[] = [
  { type: "start", threadId: "t", turnId: "turn" },
  { type: "message-start", id: "m", phase: null },
  { type: "message-delta", id: "m", delta: "Half " },
  { type: "tool-start", id: "1", tool: make1 },
  { type: "tool-start", id: "2", tool: make2 },
  { type: "tool-output", id: "2", delta: "runs" },
  { type: "request", key: "k1", toolId: "1", request: { ...make1, reason: null } },
  { type: "request", key: "k2", toolId: "2", request: { ...make2, reason: null } },
  { type: "request-end", key: "k2", outcome: "answered" },
  { type: "tool-output", id: "2", delta: " on" },
  { type: "request-end", key: "k1", outcome: "answered" },
  { type: "request", key: "k3", toolId: "1", request: { ...make1, reason: "again" } },
  { type: "message-delta", id: "m", delta: "whole" },
  { type: "request-end", key: "k3", outcome: "answered" },
  { type: "message-end", id: "m", phase: null, cut: false },
  { type: "tool-end", id: "1", tool: make1, status: "completed", exitCode: 0 },
  { type: "tool-end", id: "2", tool: make2, status: "completed", exitCode: 0 },
  end,
];

test("calls that run and ask at once, or ask twice, block no button; a text that is open goes on", async () => {
  const { transport, chat } = make(inParallel);
  await chat.sendMessage({ text: "Go" });
  await answerAll(chat);
  expect([chat.error, transport.posts]).toEqual([undefined, 4]);
  expect(chat.lastMessage?.id).toBe("turn");
  const { text } = seenOf(chat.lastMessage) as { text: string };
  expect(text).toBe("Half whole");
  const calls = chat.lastMessage?.parts.filter(isToolUIPart) ?? [];
  expect(calls.map(({ state }) => state)).toEqual(calls.map(() => "output-available"));
  const own = calls.filter(({ toolCallId }) => ["1", "2"].includes(toolCallId));
  expect(own).toHaveLength(2);
});
