import { test } from "@jest/globals";
import { deepStrictEqual } from "node:assert/strict";
import { once } from "node:events";
import { PassThrough } from "node:stream";
import * as fc from "fast-check";
import { LineSplitter } from "../../lib/jsonrpc/line-splitter.js";
import { ErrorAnswer } from "../../lib/jsonrpc/message.js";
import { LineMessageReader } from "../../lib/jsonrpc/reader.js";

const json = fc.jsonValue({ maxDepth: 3, stringUnit: "binary" });
const text = fc.string({ unit: "binary", maxLength: 12 });
const id = fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true }), text);

const notification = fc.record({ method: text, params: json }, { requiredKeys: ["method"] });
const request = fc.record({ id, method: text, params: json }, { requiredKeys: ["id", "method"] });
const result = fc.record({ id, result: json });
const refusal = fc.record({ id, error: json.filter((value) => value !== null) });
const message = fc.oneof(notification, request, result, refusal);

/** What stands between messages and is none; a newline would end it. */
const noise = fc
  .oneof(
    text,
    fc.string({ unit: "grapheme" }),
    json.map((value) => JSON.stringify(value)),
  )
  .map((line) => line.replaceAll("\n", " "))
  .filter((line) => !isMessage(line));

/** Whether another reader of JSON-RPC would take it for a message, be it a malformed answer. */
function isMessage(line: string): boolean {
  try {
    const value = JSON.parse(line) as Record<string, unknown> | null;
    return typeof value === "object" && value !== null && ("method" in value || "id" in value);
  } catch {
    return false;
  }
}

/** Cuts bytes into chunks whose lengths repeat the given ones. */
function cut(bytes: Buffer, lengths: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, n = 0; at < bytes.length; n += 1) {
    const length = lengths[n % lengths.length] ?? 1;
    chunks.push(bytes.subarray(at, at + length));
    at += length;
  }
  return chunks;
}

const lengths = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 });

test("lines come out as they went in, however their bytes are cut", () => {
  const line = fc.uint8Array({ maxLength: 30 }).map((bytes) => bytes.filter((byte) => byte !== 10));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 20 }), lengths, (lines, sizes) => {
      const splitter = new LineSplitter(10_000);
      const wire = Buffer.concat(lines.flatMap((each) => [each, Buffer.from("\n")]));
      const out = cut(wire, sizes).flatMap((chunk) => splitter.push(chunk)?.split("\n") ?? []);
      deepStrictEqual(
        out,
        lines.map((each) => Buffer.from(each).toString("utf8")),
      );
      deepStrictEqual(splitter.flush(), "");
    }),
    { numRuns: 500 },
  );
});

test("what has no end yet comes out when the stream ends, or is over the limit", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), lengths, (bytes, sizes) => {
      const line = Buffer.from(bytes.filter((byte) => byte !== 10));
      const splitter = new LineSplitter(30);
      const out = cut(line, sizes).map((chunk) => splitter.push(chunk));
      deepStrictEqual(
        out.filter((each) => each !== undefined),
        [],
      );
      const isOver = line.length > 30;
      deepStrictEqual(splitter.overflow !== undefined, isOver);
      deepStrictEqual(splitter.flush(), isOver ? "" : line.toString("utf8"));
    }),
    { numRuns: 300 },
  );
});

test("all messages come out, in order, whatever stands between them and however it is cut", async () => {
  const lines = fc.array(fc.oneof(message, noise), { maxLength: 25 });
  await fc.assert(
    fc.asyncProperty(lines, lengths, fc.boolean(), async (list, sizes, ends) => {
      const written = list.map((each) => (typeof each === "string" ? each : JSON.stringify(each)));
      const wire = Buffer.from(written.join("\n") + (ends ? "\n" : ""));
      const expected = list.filter((each) => typeof each !== "string");
      deepStrictEqual(await readAll(cut(wire, sizes)), JSON.parse(JSON.stringify(expected)));
    }),
    { numRuns: 100 },
  );
});

/** What a reader delivers of these chunks, answers in the shape they had. */
async function readAll(chunks: readonly Buffer[]): Promise<unknown[]> {
  const input = new PassThrough();
  const delivered: unknown[] = [];
  const keep = (each: unknown): void => void delivered.push(each);
  const ended = new Promise<void>((resolve) => {
    const reader = new LineMessageReader(input, 1_000_000, {
      onNotification: keep,
      onRequest: keep,
      onSkipped: () => undefined,
      onUnhandled: () => undefined,
      onEnd: () => {
        resolve();
      },
    });
    reader.listen((each) => {
      const { id: answered, result: value } = each as unknown as { id: unknown; result: unknown };
      const isRefusal = value instanceof ErrorAnswer;
      keep(isRefusal ? { id: answered, error: value.error } : { id: answered, result: value });
    });
  });
  for (const chunk of chunks) if (!input.write(chunk)) await once(input, "drain");
  input.end();
  await ended;
  return JSON.parse(JSON.stringify(delivered)) as unknown[];
}
