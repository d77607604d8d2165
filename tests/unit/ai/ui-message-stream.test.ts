import { describe, expect, test } from "@jest/globals";
import {
  toUIMessageResponse,
  toUIMessageStream,
  type UIMessageChunk,
} from "../../../lib/ai/index.js";
import { UIMessageChunks } from "../../../lib/ai/ui-message-chunks.js";
import type { TurnPart } from "../../../lib/parts/turn-part.js";
import { partsOfStream } from "../../support/golden-parts.js";
import { recordedStreams } from "../../support/recorded-streams.js";
import { transcriptNames } from "../../support/transcripts.js";

function chunksOf(parts: readonly TurnPart[]): UIMessageChunk[] {
  const chunks = new UIMessageChunks();
  return parts.flatMap((part) => chunks.next(part));
}

async function* iterate(parts: readonly TurnPart[]): AsyncGenerator<TurnPart> {
  await Promise.resolve();
  yield* parts;
}

const turns = transcriptNames().flatMap((name) =>
  recordedStreams(name).map(
    (stream, index) => [`${name} ${index}`, partsOfStream(stream)] as const,
  ),
);

describe.each(turns)("%s", (_name, parts) => {
  const chunks = chunksOf(parts);

  test("is one message, whose text and tools begin and end", () => {
    const types = chunks.map(({ type }) => type);
    expect(types.slice(0, 2)).toEqual(["start", "start-step"]);
    expect(types.filter((type) => type === "start")).toHaveLength(1);
    expect(["finish", "abort"]).toContain(types.at(-1));
    const open = new Set<string>();
    for (const chunk of chunks) {
      const { type } = chunk;
      if (type === "text-start" || type === "reasoning-start") open.add(chunk.id);
      if (type === "text-delta" || type === "reasoning-delta") expect(open).toContain(chunk.id);
      if (type === "text-end" || type === "reasoning-end") expect(open.delete(chunk.id)).toBe(true);
      if (type === "tool-input-available") open.add(chunk.toolCallId);
      if (type === "tool-approval-request") expect(open).toContain(chunk.toolCallId);
      const isLast = type === "tool-output-available" && !chunk.preliminary;
      if (isLast || type === "tool-output-error" || type === "tool-output-denied") {
        expect(open.delete(chunk.toolCallId)).toBe(true);
      }
    }
    expect([...open]).toEqual([]);
  });

  test("says what the turn says", () => {
    const texts = new Map<string, string>();
    for (const chunk of chunks) {
      if (chunk.type === "text-start") texts.set(chunk.id, "");
      if (chunk.type === "text-delta") {
        texts.set(chunk.id, (texts.get(chunk.id) ?? "") + chunk.delta);
      }
    }
    const end = parts.at(-1);
    const answer = end?.type === "end" ? end.finalResponse : null;
    if (answer !== null) expect([...texts.values()]).toContain(answer);
  });
});

test("the response has the header and the frames of the protocol", async () => {
  const [, parts = []] = turns.find(([name]) => name === "plain-turn 0") ?? [];
  const response = toUIMessageResponse(iterate(parts));
  expect(response.headers.get("x-vercel-ai-ui-message-stream")).toBe("v1");
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  const frames = (await response.text()).split("\n\n").slice(0, -1);
  expect(frames.at(-1)).toBe("data: [DONE]");
  const sent = frames
    .slice(0, -1)
    .map((frame) => JSON.parse(frame.slice("data: ".length)) as object);
  expect(sent).toEqual(JSON.parse(JSON.stringify(chunksOf(parts))));
});

test("cancelling the stream leaves the parts", async () => {
  let isLeft = false;
  async function* endless(): AsyncGenerator<TurnPart> {
    try {
      for (;;) yield await Promise.resolve({ type: "start", threadId: "t", turnId: "1" } as const);
    } finally {
      isLeft = true;
    }
  }
  const reader = toUIMessageStream(endless()).getReader();
  expect(await reader.read()).toMatchObject({ value: { type: "start", messageId: "1" } });
  await reader.cancel();
  expect(isLeft).toBe(true);
});

const make = { kind: "command", command: "make" } as const;

test("what is shown of growing output stays within a small factor of it, and ends whole", () => {
  const pieces = Array.from({ length: 20_000 }, (_, index) => `${index} `);
  const chunks = chunksOf([
    { type: "tool-start", id: "c", tool: make },
    ...pieces.map((delta): TurnPart => ({ type: "tool-output", id: "c", delta })),
    { type: "tool-end", id: "c", tool: make, status: "completed", output: pieces.join("") },
  ]);
  const shown = chunks.filter((chunk) => chunk.type === "tool-output-available");
  const preliminary = shown.filter((chunk) => chunk.preliminary);
  expect(preliminary.length).toBeGreaterThan(10);
  expect(JSON.stringify(preliminary).length).toBeLessThan(8 * pieces.join("").length);
  expect(preliminary[0]).toMatchObject({ output: { output: "0 " } });
  expect(shown.at(-1)).toMatchObject({ output: { status: "completed", output: pieces.join("") } });
});

test("an approval is about its call, or about one that stands for it; a question is data", () => {
  const chunks = chunksOf([
    { type: "tool-start", id: "c", tool: make },
    { type: "request", key: "k1", toolId: "c", request: { ...make, reason: null } },
    { type: "request-end", key: "k1", outcome: "answered" },
    {
      type: "request",
      key: "k2",
      request: { kind: "permissions", reason: null, permissions: ["network"] },
    },
    { type: "request-end", key: "k2", outcome: "over" },
    { type: "request", key: "k3", request: { kind: "questions", questions: [] } },
    { type: "request-end", key: "k3", outcome: "answered" },
  ]);
  expect(chunks).toMatchObject([
    { type: "tool-input-available", toolCallId: "c", toolName: "command" },
    { type: "tool-approval-request", toolCallId: "c", approvalId: "k1" },
    { type: "tool-input-available", toolCallId: "k2", toolName: "request-permissions" },
    { type: "tool-approval-request", toolCallId: "k2", approvalId: "k2" },
    { type: "tool-output-available", toolCallId: "k2", output: { outcome: "over" } },
    { type: "data-request", id: "k3", data: { key: "k3", outcome: null } },
    { type: "data-request", id: "k3", data: { key: "k3", outcome: "answered" } },
  ]);
});

test("a sub-agent's calls have ids of their own, and its words are left out", () => {
  const origin = { threadId: "child", turnId: "1", parentThreadId: "t", depth: 1 };
  const chunks = chunksOf([
    { type: "message-start", id: "m", phase: null, origin },
    { type: "tool-start", id: "c", tool: make, origin },
    { type: "request", key: "k", toolId: "c", request: { ...make, reason: null }, origin },
  ]);
  expect(chunks).toMatchObject([
    { type: "tool-input-available", toolCallId: "child/1/c" },
    { type: "tool-approval-request", toolCallId: "child/1/c", approvalId: "k" },
  ]);
});

test.each<[TurnPart & { type: "end" }, readonly string[]]>([
  [{ ...endOf("completed") }, ["start", "start-step", "finish-step", "finish"]],
  [{ ...endOf("interrupted") }, ["start", "start-step", "abort"]],
  [
    { ...endOf("failed"), error: { code: "X", title: "It failed." } },
    ["start", "start-step", "error", "finish-step", "finish"],
  ],
  [{ ...endOf("lost") }, ["start", "start-step", "error", "finish-step", "finish"]],
])("a turn that never started ends as it should: %j", (end, types) => {
  expect(chunksOf([end]).map(({ type }) => type)).toEqual(types);
});

function endOf(status: "completed" | "interrupted" | "failed" | "lost") {
  return { type: "end", status, finalResponse: null, usage: null, durationMs: null } as const;
}
