/** What goes wrong around a model of `createCodex()`: whatever it is, the call ends, with a result or a typed error. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { generateText, jsonSchema, Output, stepCountIs } from "ai";
import type { ModelSource } from "../../lib/ai/index.js";
import type { Codex, TurnInput, TurnOptions } from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { addTool, codexFor, user } from "../support/ai-model.js";
import { RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
});
afterAll(() => stage.close());

const callAdd = () => reply.functionCall("add", { a: 1, b: 2 });
const outputs = () => JSON.stringify(model.requests.at(-1)?.toolOutputs);

describe("options of the provider", () => {
  test.each([
    ["another type", { threadId: 7 }, "providerOptions.codex.threadId"],
    ["an empty one", { threadId: "" }, "providerOptions.codex.threadId"],
    ["a misspelt one", { threadID: "01a231cd-0000-7000-a000-000000000000" }, "threadID"],
    ["no object", "thread", "providerOptions.codex"],
  ])("that cannot work are refused before anything is sent: %s", async (_, own, named) => {
    const asked = model.requests.length;
    const providerOptions = { codex: own } as never;
    const calling = generateText({ model: codexFor({ codex })(), prompt: "Go", providerOptions });
    const error = await rejection(calling);
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(error.message).toContain(named);
    expect(model.requests.length).toBe(asked);
  });
});

describe("a thread that was deleted", () => {
  test.each(["by the same provider", "by another one"])("is named by the error: %s", async (by) => {
    const provider = codexFor({ codex });
    const first = await generateText({ model: provider(), prompt: "first" });
    const { threadId } = (first.providerMetadata as { codex: { threadId: string } }).codex;
    await codex.deleteThread(threadId);
    const next = by === "by another one" ? codexFor({ codex }) : provider;
    const providerOptions = { codex: { threadId } };
    const calling = generateText({ model: next(), prompt: "second", providerOptions });
    expect(await rejection(calling)).toMatchObject({ code: "THREAD_NOT_FOUND" });
  });
});

test("an abort while the thread is being started sends no turn", async () => {
  let reach: () => void = () => undefined;
  let release: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const released = new Promise<void>((resolve) => (release = resolve));
  let turns = 0;
  const source: ModelSource = {
    startThread: async (options) => {
      reach();
      await released;
      const thread = await codex.startThread(options);
      const turn = thread.turn.bind(thread);
      thread.turn = (input: TurnInput, settings?: TurnOptions) => {
        turns += 1;
        return turn(input, settings) as never;
      };
      return thread;
    },
    resumeThread: (...call) => codex.resumeThread(...call),
    thread: (...call) => codex.thread(...call),
  };
  const aborting = new AbortController();
  const abortSignal = aborting.signal;
  const calling = rejection(
    generateText({ model: codexFor({ codex: source })(), prompt: "Go", abortSignal }),
  );
  await reached;
  aborting.abort(new Error("no longer wanted"));
  release();
  expect((await calling).message).toBe("no longer wanted");
  expect(turns).toBe(0);
});

describe("a tool", () => {
  test.each([
    ["nothing", () => undefined, /null/],
    ["text of which half is missing", () => "half \ud83d", /half/],
    ["what is deep", () => JSON.parse("[".repeat(200) + "]".repeat(200)) as unknown, /\[\[/],
  ])("may return %s", async (_, execute, told) => {
    model.enqueue(callAdd(), reply.text("Well."));
    const { text } = await generateText({
      model: codexFor({ codex })(),
      prompt: "Add",
      tools: { add: addTool(execute) },
      stopWhen: stepCountIs(9),
    });
    expect(text).toBe("Well.");
    expect(outputs()).toMatch(told);
  });
});

test("an answer that does not fit its schema is the error of `ai`", async () => {
  model.enqueue(reply.text("no JSON at all"));
  const schema = jsonSchema<{ a: number }>({
    ...{ type: "object", properties: { a: { type: "number" } }, required: ["a"] },
    additionalProperties: false,
  });
  const output = Output.object({ schema });
  const calling = generateText({ model: codexFor({ codex })(), prompt: "Go", output });
  const read = calling.then((result) => result.output);
  expect((await rejection(read)).name).toBe("AI_NoObjectGeneratedError");
});

test("a server that ends between a call and its result is told, and the next call goes on", async () => {
  const others = new Set(await stage.processes());
  const own = stage.codex();
  const provider = codexFor({ codex: own });
  model.enqueue(callAdd(), reply.text("Three."));
  const add = addTool(async () => {
    for (const pid of await stage.processes()) if (!others.has(pid)) process.kill(pid, "SIGKILL");
    while (own.runningTurns.length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    return 3;
  });
  const options = { model: provider(), tools: { add }, stopWhen: stepCountIs(9) };
  const result = await generateText({ ...options, messages: [user("Add")] });
  expect(result.text).toBe("Three.");
});
