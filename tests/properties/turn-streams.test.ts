import { afterAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { readTurn } from "../../lib/browser/index.js";
import { MemoryStreamStore, type StreamEvent, type TurnPart } from "../../lib/http/index.js";
import { sseHeaders } from "../../lib/http/sse/sse-headers.js";
import { streamBody } from "../../lib/http/sse/stream-body.js";
import { streamFrames } from "../../lib/http/sse/stream-frames.js";

const id = "stream";
const stores: MemoryStreamStore[] = [];
afterAll(() => Promise.all(stores.map((store) => store.close())));

const deltas = ["message-delta", "reasoning-delta", "tool-output"];
const delta = fc.record({
  type: fc.constantFrom(...deltas),
  id: fc.constantFrom("a", "b"),
  // Line ends, and what takes several bytes, must come through a cut in their midst.
  delta: fc.string({ unit: fc.constantFrom("x", "é", "\r", "\n", "\u2028", "🙂"), maxLength: 8 }),
});
const other = fc.oneof(
  fc.record({ type: fc.constantFrom("plan", "usage", "diff"), value: fc.nat(9) }),
  fc.record({ type: fc.constant("warning"), message: fc.string({ maxLength: 5 }) }),
);
const turn = fc.array(fc.oneof({ arbitrary: delta, weight: 4 }, other), { maxLength: 60 });
/** How much each connection brings (bytes) before it is cut; the last one is not. */
const cuts = fc.array(fc.integer({ min: 10, max: 1_500 }), { maxLength: 8 });
/** How many parts the server brings at a time. */
const batches = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 });

interface Case {
  readonly parts: readonly { readonly type: string }[];
  readonly cuts: readonly number[];
  readonly batches: readonly number[];
}

/** Puts a turn into a store while a reader, whose connections are cut, reads it. */
async function readWhileWritten({ parts, cuts, batches }: Case, maxBytes: number) {
  const store = new MemoryStreamStore();
  stores.push(store);
  await store.create(id, { owner: "ada", threadId: "t" }, { retainMs: 60_000, maxBytes });
  const whole = [...parts, { type: "end", status: "completed" }];
  const events = whole.map((part, index) => ({
    seq: index + 1,
    type: part.type,
    data: JSON.stringify(part),
  }));
  const reading = collect(store, [...cuts]);
  for (let at = 0, turn = 0; at < events.length; turn += 1) {
    const size = batches[turn % batches.length] ?? 1;
    await store.append(id, events.slice(at, at + size));
    at += size;
    await new Promise(setImmediate);
  }
  await store.end(id);
  return { sent: whole, events, ...(await reading) };
}

async function collect(store: MemoryStreamStore, cuts: number[]) {
  const got: TurnPart[] = [];
  const ids: number[] = [];
  const reading = readTurn("/events", {
    fetch: (_url, init) => Promise.resolve(answer(store, init, cuts.shift())),
  });
  for await (const part of reading) {
    got.push(part);
    ids.push(Number(reading.lastEventId));
  }
  return { got, ids };
}

function answer(store: MemoryStreamStore, { headers, signal }: RequestInit, cut = Infinity) {
  const after = Number(new Headers(headers).get("last-event-id") ?? 0);
  const over = new AbortController();
  signal?.addEventListener("abort", () => {
    over.abort();
  });
  const onError = () => undefined;
  const options = { heartbeatMs: 60_000, retryMs: 1, signal: over.signal, onError };
  const body = streamBody(streamFrames(store, id, after, options), () => {
    over.abort();
  });
  return new Response(body.pipeThrough(cutting(cut)), { headers: sseHeaders });
}

/** Lets so many bytes through, in small pieces, and then breaks off. */
function cutting(cut: number): TransformStream<Uint8Array, Uint8Array> {
  let left = cut;
  return new TransformStream({
    transform(chunk, controller) {
      for (let at = 0; at < chunk.length && left > 0; at += 100) {
        const piece = chunk.subarray(at, Math.min(at + 100, at + left));
        left -= piece.length;
        controller.enqueue(piece);
      }
      if (left <= 0) controller.error(new TypeError("network error"));
    },
  });
}

function textsOf(parts: readonly object[]): Record<string, string> {
  const texts: Record<string, string> = {};
  for (const { type, id, delta } of parts as { type: string; id: string; delta?: string }[]) {
    if (delta !== undefined) texts[`${type} ${id}`] = (texts[`${type} ${id}`] ?? "") + delta;
  }
  return texts;
}

const lastOf = (parts: readonly { type: string }[], type: string) =>
  parts.findLast((part) => part.type === type);

test("whatever connections are cut, and where, a reader gets each part once and in order", async () => {
  await fc.assert(
    fc.asyncProperty(turn, cuts, batches, async (parts, cuts, batches) => {
      const { sent, got, ids } = await readWhileWritten({ parts, cuts, batches }, 1e9);
      expect(got).toEqual(sent);
      expect(ids).toEqual(sent.map((_, index) => index + 1));
    }),
    { numRuns: 60 },
  );
});

test("under a limit, a reader is told of a gap or gets all the text, and nothing twice or out of order", async () => {
  await fc.assert(
    fc.asyncProperty(turn, cuts, batches, async (parts, cuts, batches) => {
      const { sent, got, ids } = await readWhileWritten({ parts, cuts, batches }, 3_000);
      expect(ids).toEqual([...new Set(ids)].sort((one, two) => one - two));
      expect(got.at(-1)).toEqual(sent.at(-1));
      const [whole, seen] = [textsOf(sent), textsOf(got)];
      const missing = new Set(
        got.flatMap((part) => (part.type === "gap" ? part.ids.map(String) : [])),
      );
      for (const [key, text] of Object.entries(whole)) {
        if (missing.has(key.split(" ")[1] ?? ""))
          expect(isWithin(seen[key] ?? "", text)).toBe(true);
        else expect(seen[key] ?? "").toBe(text);
      }
      const gap = got.some(({ type }) => type === "gap");
      for (const type of gap ? [] : ["plan", "usage", "diff"]) {
        expect(lastOf(got, type)).toEqual(lastOf(sent, type));
      }
    }),
    { numRuns: 60 },
  );
});

/** Whether the one is left of the other when some of it is taken away. */
function isWithin(part: string, whole: string): boolean {
  let at = 0;
  for (const character of part) {
    at = whole.indexOf(character, at) + 1;
    if (at === 0) return false;
  }
  return true;
}

test("a reader that comes late gets what is kept, from its start to its end", async () => {
  await fc.assert(
    fc.asyncProperty(turn, async (parts) => {
      const store = new MemoryStreamStore();
      stores.push(store);
      await store.create(
        id,
        { owner: "ada", threadId: "t" },
        { retainMs: 60_000, maxBytes: 3_000 },
      );
      const start = { type: "start" };
      const sent = [start, ...parts, { type: "end" }];
      const events: StreamEvent[] = sent.map((part, index) => ({
        seq: index + 1,
        type: part.type,
        data: JSON.stringify(part),
      }));
      for (const event of events) await store.append(id, [event]);
      await store.end(id);
      expect(store.bytes).toBeLessThan(3_000 + 1_000);
      const { got } = await collect(store, []);
      expect(got[0]).toEqual(start);
      expect(got.at(-1)).toEqual({ type: "end" });
    }),
    { numRuns: 30 },
  );
});
