import { expect, test } from "@jest/globals";
import { build } from "esbuild";
import path from "node:path";
import { gzipSync } from "node:zlib";
import type { TurnPart } from "../../../lib/parts/turn-part.js";
import { TurnView } from "../../../lib/parts/turn-view.js";

const viewOf = (...parts: readonly TurnPart[]): TurnView =>
  parts.reduce(TurnView.apply, TurnView.empty);
const make = { kind: "command", command: "make" } as const;

test("it imports nothing, and takes less than a kilobyte", async () => {
  const { outputFiles, metafile } = await build({
    entryPoints: [path.join(import.meta.dirname, "../../../lib/parts/turn-view.ts")],
    ...{
      bundle: true,
      minify: true,
      format: "esm",
      platform: "browser",
      write: false,
      metafile: true,
    },
  });
  expect(Object.keys(metafile.inputs)).toHaveLength(1);
  expect(gzipSync(outputFiles[0]?.contents ?? "").length).toBeLessThan(1_024);
});

test("what starts once more under its id takes the place of what it was", () => {
  const view = viewOf(
    { type: "message-start", id: "m", phase: null },
    { type: "message-delta", id: "m", delta: "Half" },
    { type: "message-end", id: "m", phase: null, cut: true },
    { type: "tool-start", id: "m", tool: make },
    { type: "tool-end", id: "m", tool: make, status: "failed", exitCode: 1 },
    { type: "message-start", id: "m", phase: "final_answer" },
    { type: "tool-start", id: "m", tool: make },
  );
  expect(view.entries).toEqual([
    { type: "message", id: "m", phase: "final_answer", text: "", state: "open" },
    { type: "tool", id: "m", tool: make, status: "running", output: "" },
  ]);
});

test("a message that is taken back is gone", () => {
  const view = viewOf(
    { type: "message-start", id: "m", phase: null },
    { type: "message-delta", id: "m", delta: "Half" },
    { type: "message-reset", id: "m" },
  );
  expect(view.entries).toEqual([]);
});

test("the whole output takes the place of what was streamed", () => {
  const run: TurnPart[] = [
    { type: "tool-start", id: "c", tool: make },
    { type: "tool-output", id: "c", delta: "two\n" },
  ];
  const end = { type: "tool-end", id: "c", tool: make, status: "completed" } as const;
  expect(viewOf(...run, end).entries).toMatchObject([{ output: "two\n", status: "completed" }]);
  expect(viewOf(...run, { ...end, output: "one\ntwo\n" }).entries).toMatchObject([
    { output: "one\ntwo\n" },
  ]);
});

test("a request is open until it is not, and keeps its place", () => {
  const request = { kind: "other", method: "x" } as const;
  const asked = viewOf(
    { type: "request", key: "k", request },
    { type: "user-message", id: "u", text: "Hi" },
  );
  expect(asked.entries[0]).toEqual({ type: "request", id: "k", request, outcome: null });
  const over = TurnView.apply(asked, { type: "request-end", key: "k", outcome: "answered" });
  expect(over.entries.map(({ type }) => type)).toEqual(["request", "user-message"]);
  expect(over.entries[0]).toMatchObject({ outcome: "answered" });
});

test("parts that it does not know, or whose beginning was missed, change nothing", () => {
  const view = viewOf({ type: "start", threadId: "t", turnId: "1" });
  const odd: unknown[] = [
    { type: "novel", id: "n" },
    { type: "message-delta", id: "m", delta: "x" },
    { type: "tool-end", id: "c", tool: make, status: "completed" },
    { type: "gap", ids: ["m"] },
  ];
  for (const part of odd) expect(TurnView.apply(view, part as TurnPart)).toEqual(view);
});
