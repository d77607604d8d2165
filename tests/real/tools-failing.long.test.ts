import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import * as z from "zod";
import { defineTool, type Codex } from "../../lib/index.js";
import type { LoopbackModel } from "../../lib/testing/index.js";
import { RealStage, rejection } from "../support/real.js";
import { callTools, outputsOf, tool, waitingTool } from "../support/tools.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
});
afterAll(() => stage.close());

describe("a call fails, the model is told, and the turn goes on", () => {
  test("when the tool throws: with the message, and no stack", async () => {
    const thread = await codex.startThread({
      tools: [
        tool("lookup", () => {
          throw new Error("There is no such city.");
        }),
      ],
    });
    const [seen] = await callTools(model, thread, ["lookup"]);
    expect(seen).toBe("The tool failed: There is no such city.");
  });

  test("when the arguments do not fit: with each place, so that it can do better", async () => {
    const runs: unknown[] = [];
    const weather = defineTool({
      name: "weather",
      description: "The weather",
      input: z.object({ city: z.string(), days: z.int() }),
      execute: (args) => {
        runs.push(args);
        return "sunny";
      },
    });
    const thread = await codex.startThread({ tools: [weather] });
    const [seen] = await callTools(model, thread, ["weather", { city: 5 }]);
    expect(seen).toMatch(/^The arguments do not fit the tool's input:\n- city: .*\n- days: /);
    expect(runs).toEqual([]);
    await expect(callTools(model, thread, ["weather", { city: "Rome", days: 1 }])).resolves.toEqual(
      ["sunny"],
    );
    expect(runs).toEqual([{ city: "Rome", days: 1 }]);
  });

  test("when the arguments are no object, or no JSON at all", async () => {
    const thread = await codex.startThread({ tools: [tool("one", () => "never")] });
    const seen = await callTools(model, thread, ["one", "[1, 2]"], ["one", "{not json"]);
    expect(seen[0]).toMatch(/- must be of type object/);
    expect(seen[1]).toMatch(/failed to parse function arguments/);
  });

  test("when the result cannot be written", async () => {
    const thread = await codex.startThread({
      tools: [
        tool("big", () => ({ n: 1n })),
        tool("remote", () => ({ type: "image", url: "https://example.com/a.png" })),
      ],
    });
    const seen = await callTools(model, thread, ["big"], ["remote"]);
    expect(seen[0]).toBe("The tool failed: its result cannot be written as JSON");
    expect(seen[1]).toMatch(/must be a data: URL/);
  });

  test("when nobody here carries out the tool", async () => {
    const raw = {
      type: "function" as const,
      name: "raw",
      description: "Nobody's",
      inputSchema: { type: "object" },
    };
    const thread = await codex.startThread({
      tools: [tool("one", () => "one")],
      dynamicTools: [raw],
    });
    const seen = await callTools(model, thread, ["raw"], ["one"], ["unheard"]);
    expect(seen[0]).toMatch(/does not offer the tool/);
    expect(seen.slice(1)).toEqual(["one", "unsupported call: unheard"]);
  });
});

describe("a call that nobody waits for any more", () => {
  test("is aborted by an interrupt, and what it still returns is dropped", async () => {
    const { thread, began, aborted } = await waitingTool(model, codex);
    const turn = thread.turn("Go");
    await began;
    await turn.interrupt();
    expect(await aborted).toBeInstanceOf(Error);
    const { status, items } = await turn.run();
    expect(status).toBe("interrupted");
    const call = items.findLast(({ type }) => type === "dynamicToolCall");
    expect(call).toMatchObject({ tool: "wait", status: "failed" });
    await expect(thread.run("And now?")).resolves.toMatchObject({ status: "completed" });
    expect(outputsOf(model, thread)).toHaveLength(1);
    expect(outputsOf(model, thread).join()).not.toContain("too late");
  });

  test("is aborted when the caller leaves the turn's loop", async () => {
    const { thread, began, aborted } = await waitingTool(model, codex);
    for await (const { method } of thread.turn("Go")) {
      if (method === "item/tool/call") break;
    }
    await began;
    expect(await aborted).toBeInstanceOf(Error);
    await expect(thread.run("And now?")).resolves.toMatchObject({ status: "completed" });
  });

  test("is aborted when the connection closes", async () => {
    const own = stage.codex();
    const { thread, began, aborted } = await waitingTool(model, own);
    const failed = rejection(thread.run("Go"));
    await began;
    await own.close();
    expect(await aborted).toBeInstanceOf(Error);
    expect(await failed).toMatchObject({ code: "TRANSPORT_CLOSED" });
  });
});
