import { expect, test } from "@jest/globals";
import { readUIMessageStream, type UIMessage, type UIMessageChunk as ChunkOfTheAiSdk } from "ai";
import { build } from "esbuild";
import { toUIMessageStream, type UIMessageChunk } from "../../../lib/ai/index.js";
import type { TurnPart } from "../../../lib/parts/turn-part.js";
import { partsOfStream } from "../../support/golden-parts.js";
import { recordedStreams } from "../../support/recorded-streams.js";
import { transcriptNames } from "../../support/transcripts.js";

const turns = transcriptNames().flatMap((name) =>
  recordedStreams(name).map(
    (stream, index) => [`${name} ${index}`, partsOfStream(stream)] as const,
  ),
);

async function* iterate(parts: readonly TurnPart[]): AsyncGenerator<TurnPart> {
  await Promise.resolve();
  yield* parts;
}

test.each(turns)("version 6 reads %s as one message", async (_name, parts) => {
  const errors: unknown[] = [];
  const reading = readUIMessageStream<UIMessage>({
    stream: toUIMessageStream(iterate(parts)),
    onError: (error) => errors.push(error),
  });
  let message: UIMessage | undefined;
  for await (const each of reading) message = each;
  const start = parts.find((part) => part.type === "start" && !part.origin);
  const end = parts.findLast((part) => part.type === "end");
  if (start?.type !== "start" || end?.type !== "end") throw new Error("the turn is not whole");
  expect(message).toMatchObject({ id: start.turnId, role: "assistant" });
  const failed = end.status !== "completed" && end.status !== "interrupted";
  const text = end.error?.title ?? "It is not known how the turn ended.";
  expect(errors).toEqual(failed ? [new Error(text)] : []);
  const texts = message?.parts.flatMap((part) => (part.type === "text" ? [part.text] : []));
  if (end.finalResponse !== null) expect(texts).toContain(end.finalResponse);
  const { usage } = end;
  if (usage && end.status === "completed") expect(message?.metadata).toMatchObject({ usage });
});

/** What a user sees, and what goes wrong. */
async function read(parts: readonly TurnPart[]) {
  const errors: unknown[] = [];
  const reading = readUIMessageStream<UIMessage>({
    stream: toUIMessageStream(iterate(parts)),
    onError: (error) => errors.push(error),
  });
  let message: UIMessage | undefined;
  for await (const each of reading) message = each;
  return { message, errors };
}

const start: TurnPart = { type: "start", threadId: "t", turnId: "1" };
const endWith = (finalResponse: string): TurnPart => ({
  ...{ type: "end", status: "completed", usage: null, durationMs: null },
  finalResponse,
});
const make = { kind: "command", command: "make" } as const;

test("a page that missed something sees the rest of it, the whole answer, and that there was a gap", async () => {
  const { message, errors } = await read([
    start,
    { type: "gap", ids: ["m", "r", "c", "d"] },
    { type: "reasoning-delta", id: "r", section: 0, delta: "hm" },
    { type: "reasoning-end", id: "r" },
    { type: "request", key: "k", toolId: "d", request: { ...make, reason: null } },
    { type: "request-end", key: "k", outcome: "answered" },
    { type: "tool-output", id: "c", delta: "lost" },
    { type: "tool-end", id: "c", tool: make, status: "completed", output: "all", exitCode: 0 },
    { type: "tool-update", id: "d", tool: make },
    { type: "tool-end", id: "d", tool: make, status: "declined" },
    { type: "message-delta", id: "m", delta: "the end" },
    { type: "message-end", id: "m", phase: null, cut: false },
    endWith("From the beginning to the end"),
  ]);
  expect(errors).toEqual([]);
  expect(message?.parts).toMatchObject([
    { type: "step-start" },
    { type: "data-gap", data: { ids: ["m", "r", "c", "d"] } },
    { type: "reasoning", text: "hm" },
    { type: "dynamic-tool", toolCallId: "k", state: "output-available" },
    { type: "dynamic-tool", toolCallId: "c", output: { output: "all" } },
    { type: "dynamic-tool", toolCallId: "d", state: "output-denied" },
    { type: "text", text: "the end", state: "done" },
    { type: "text", text: "From the beginning to the end", state: "done" },
  ]);
});

test("an answer that came as a whole in spite of a gap is not told twice", async () => {
  const { message } = await read([
    start,
    { type: "gap", ids: ["c"] },
    { type: "message-start", id: "m", phase: null },
    { type: "message-delta", id: "m", delta: "All of it" },
    { type: "message-end", id: "m", phase: null, cut: false },
    endWith("All of it"),
  ]);
  expect(message?.parts.filter(({ type }) => type === "text")).toMatchObject([
    { text: "All of it" },
  ]);
});

test("a text that was taken back is marked, so that the page can leave it out", async () => {
  const { message, errors } = await read([
    start,
    { type: "message-start", id: "m", phase: null },
    { type: "message-delta", id: "m", delta: "Half" },
    { type: "retry", attempt: 1, maxAttempts: 5, reason: "other" },
    { type: "retry-end" },
    { type: "message-reset", id: "m" },
    { type: "message-start", id: "n", phase: null },
    { type: "message-delta", id: "n", delta: "Whole" },
    { type: "message-end", id: "n", phase: null, cut: false },
    endWith("Whole"),
  ]);
  expect(errors).toEqual([]);
  const texts = message?.parts.filter(({ type }) => type === "text");
  expect(texts).toMatchObject([
    { text: "Half", state: "done", providerMetadata: { codex: { reset: true } } },
    { text: "Whole", state: "done", providerMetadata: { codex: { cut: false } } },
  ]);
});

test("our chunks have the types of the AI SDK", () => {
  // What does not fit does not compile.
  const asTheirs = (chunk: UIMessageChunk): ChunkOfTheAiSdk => chunk;
  expect(asTheirs({ type: "start" })).toEqual({ type: "start" });
});

test("what is loaded is our own: nothing of the AI SDK, or of any package", async () => {
  const { metafile } = await build({
    entryPoints: ["lib/ai/index.ts"],
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    packages: "external",
  });
  const outside = Object.values(metafile.outputs).flatMap(({ imports }) => imports);
  expect(outside.filter(({ path }) => !path.startsWith("node:"))).toEqual([]);
  const foreign = Object.keys(metafile.inputs).filter((file) => !/^(lib|generated)\//.test(file));
  expect(foreign).toEqual([]);
});
