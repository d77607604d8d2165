import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { setTimeout as pause } from "node:timers/promises";
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import * as z from "zod";
import {
  defineTool,
  ExperimentalApiError,
  InvalidArgumentError,
  type Codex,
  type TurnEvent,
} from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { collect } from "../support/collect.js";
import { testWhere } from "../support/offers.js";
import { RealStage, rejection } from "../support/real.js";
import { callTools, lastRequest, outputsOf, tool } from "../support/tools.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
});
afterAll(() => stage.close());

describe("the model is offered a tool", () => {
  test("with its name, description and schema", async () => {
    const weather = defineTool({
      name: "weather",
      description: "The weather of a city",
      input: z.object({ city: z.string().describe("Its name"), days: z.int().optional() }),
      execute: () => "sunny",
    });
    const raw = {
      type: "function" as const,
      name: "raw",
      description: "The caller's own",
      inputSchema: { type: "object", properties: {} },
    };
    const thread = await codex.startThread({ tools: [weather], dynamicTools: [raw] });
    await thread.run("Hi");
    const offered = lastRequest(model, thread)?.tools;
    expect(offered?.filter(({ name }) => name === "weather" || name === "raw")).toEqual([
      {
        type: "function",
        name: "weather",
        description: "The weather of a city",
        strict: false,
        parameters: {
          type: "object",
          properties: {
            city: { type: "string", description: "Its name" },
            days: { type: "integer" },
          },
          required: ["city"],
        },
      },
      {
        type: "function",
        name: "raw",
        description: "The caller's own",
        strict: false,
        parameters: { type: "object", properties: {} },
      },
    ]);
  });

  test("by the longest name that the server takes, and what it would refuse is refused here", async () => {
    const name = "a".repeat(128);
    const thread = await codex.startThread({ tools: [tool(name, () => "long")] });
    await expect(callTools(model, thread, [name])).resolves.toEqual(["long"]);
    const twice = codex.startThread({ tools: [tool("one", () => ""), tool("one", () => "")] });
    expect(await rejection(twice)).toBeInstanceOf(InvalidArgumentError);
  });

  test("not when experimental methods are turned off, which is said clearly", async () => {
    await using client = await stage.client({ experimentalApi: false });
    const error = await rejection(client.startThread({ tools: [tool("one", () => "")] }));
    expect(error).toBeInstanceOf(ExperimentalApiError);
    expect(error.message).toMatch(/dynamicTools.*experimentalApi: true/);
  });
});

const togetherTest = await testWhere("calls of tools at the same time", async (stage) => {
  let running = 0;
  const most: number[] = [];
  const slow = (name: string) =>
    tool(name, async () => {
      most.push((running += 1));
      await pause(500);
      running -= 1;
    });
  const thread = await stage.codex().startThread({ tools: [slow("left"), slow("right")] });
  await callTools(stage.model, thread, ["left"], ["right"]);
  return Math.max(...most) > 1;
});

describe("a call reaches the tool", () => {
  test.each([
    ["Zod", z.object({ city: z.string(), days: z.int().default(3) })],
    ["ArkType", type({ city: "string", days: "number.integer = 3" })],
    [
      "Valibot",
      toStandardJsonSchema(
        v.object({ city: v.string(), days: v.optional(v.pipe(v.number(), v.integer()), 3) }),
      ),
    ],
  ])("with its arguments, checked and completed by a schema of %s", async (_name, input) => {
    const got: unknown[] = [];
    const weather = defineTool({
      name: "weather",
      description: "The weather",
      input,
      execute: (...all) => {
        got.push(all);
      },
    });
    const thread = await codex.startThread({ tools: [weather] });
    model.enqueueFor(
      thread.id,
      reply.functionCall("weather", { city: "Rome" }, { callId: "call-7" }),
      reply.text("Done."),
    );
    const turn = thread.turn("Go");
    await turn.run();
    const context = { threadId: thread.id, turnId: turn.id, callId: "call-7" };
    expect(got).toEqual([[{ city: "Rome", days: 3 }, expect.objectContaining(context)]]);
    expect(outputsOf(model, thread)).toEqual([""]);
  });

  test("and its item shows what was called and what came of it", async () => {
    const thread = await codex.startThread({
      tools: [tool("good", () => "fine"), tool("bad", () => Promise.reject(new Error("no luck")))],
    });
    model.enqueueFor(
      thread.id,
      [reply.functionCall("good", { a: 1 }), reply.functionCall("bad")],
      reply.text("Done."),
    );
    const { items } = await thread.run("Go");
    // They run at the same time, so either may end first.
    const calls = items.filter((item) => item.type === "dynamicToolCall");
    expect(calls).toHaveLength(2);
    expect(calls.find((call) => call.tool === "good")).toMatchObject({
      arguments: { a: 1 },
      status: "completed",
      success: true,
      contentItems: [{ type: "inputText", text: "fine" }],
    });
    expect(calls.find((call) => call.tool === "bad")).toMatchObject({
      status: "failed",
      success: false,
    });
  });

  test("and may run a turn of another thread meanwhile, and of its own when nobody waits", async () => {
    const later: Promise<unknown>[] = [];
    const ask = tool("ask", async (_args, { threadId }) => {
      const other = await codex.startThread();
      model.enqueueFor(other.id, reply.text("The other thread says hello."));
      const { finalResponse } = await other.run("Say hello");
      later.push(codex.thread(threadId).run("And then?"));
      return finalResponse;
    });
    const thread = await codex.startThread({ tools: [ask] });
    await expect(callTools(model, thread, ["ask"])).resolves.toEqual([
      "The other thread says hello.",
    ]);
    await expect(later[0]).resolves.toMatchObject({ status: "completed" });
  });

  togetherTest("two calls run at the same time", async () => {
    const here: string[] = [];
    let open = () => {};
    const both = new Promise<void>((resolve) => {
      open = resolve;
    });
    const meet = (name: string) =>
      tool(name, async () => {
        here.push(name);
        if (here.length === 2) open();
        await both;
        return `${name} met ${here.find((other) => other !== name) ?? "nobody"}`;
      });
    const thread = await codex.startThread({ tools: [meet("left"), meet("right")] });
    const seen = await callTools(model, thread, ["left"], ["right"]);
    expect(seen).toEqual(["left met right", "right met left"]);
  });
});

describe("what the tool returns reaches the model", () => {
  const png =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

  test("text as it is, an object as JSON, nothing as an empty text", async () => {
    const thread = await codex.startThread({
      tools: [
        tool("text", () => "Grüße\u2028😀"),
        tool("object", () => ({ sky: "blue", wind: [1, 2] })),
        tool("nothing", () => undefined),
      ],
    });
    await expect(callTools(model, thread, ["text"], ["object"], ["nothing"])).resolves.toEqual([
      "Grüße\u2028😀",
      '{"sky":"blue","wind":[1,2]}',
      "",
    ]);
  });

  test("an image from bytes, between texts", async () => {
    const data = new Uint8Array(Buffer.from(png, "base64"));
    const look = tool("look", () => [
      { type: "text", text: "Look:" },
      { type: "image", data, mediaType: "image/png" },
      { type: "text", text: "Nice?" },
    ]);
    const thread = await codex.startThread({ tools: [look] });
    await callTools(model, thread, ["look"]);
    expect(
      lastRequest(model, thread)?.input.findLast((item) => item.type === "function_call_output")
        ?.output,
    ).toMatchObject([
      { type: "input_text", text: "Look:" },
      { type: "input_image", image_url: `data:image/png;base64,${png}` },
      { type: "input_text", text: "Nice?" },
    ]);
  });

  test("a text of two million characters", async () => {
    const thread = await codex.startThread({ tools: [tool("long", () => "x".repeat(2_000_000))] });
    const [seen] = await callTools(model, thread, ["long"]);
    expect(seen?.startsWith("xxx")).toBe(true);
  });
});

test("the call's events stand in the turn's stream, in order", async () => {
  const thread = await codex.startThread({ tools: [tool("one", () => "1")] });
  model.enqueueFor(thread.id, reply.functionCall("one"), reply.text("Done."));
  const events = await collect(thread.turn("Go"));
  const aboutCall = (event: TurnEvent) =>
    event.method === "item/tool/call" ||
    ((event.method === "item/started" || event.method === "item/completed") &&
      event.params.item.type === "dynamicToolCall");
  expect(events.filter(aboutCall).map(({ method }) => method)).toEqual([
    "item/started",
    "item/tool/call",
    "item/completed",
  ]);
});
