import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  APICallError,
  generateObject,
  generateText,
  jsonSchema,
  Output,
  stepCountIs,
  streamText,
  type ModelMessage,
} from "ai";
import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import type { ModelSource } from "../../lib/ai/index.js";
import {
  InvalidArgumentError,
  InvalidParamsError,
  ServerBusyError,
  TurnFailedError,
  type Codex,
} from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { addTool, codexFor, saidIn, user } from "../support/ai-model.js";
import { collect } from "../support/collect.js";
import { png } from "../support/images.js";
import { RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeAll(async () => {
  // Warnings are looked at in the results.
  Object.assign(globalThis, { AI_SDK_LOG_WARNINGS: false });
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
});
afterAll(() => stage.close());

const codexModel = () => codexFor({ codex })();
const callAdd = (a: number, b: number) => reply.functionCall("add", { a, b });

interface Ids {
  readonly threadId: string;
  readonly turnId: string;
}

function idsOf(result: { readonly providerMetadata: unknown }): Ids {
  return (result.providerMetadata as { readonly codex: Ids }).codex;
}

/** Resolves when no turn runs any more. */
async function untilIdle(): Promise<void> {
  while (codex.runningTurns.length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
}

describe("generateText()", () => {
  test("gives the answer, and apart from it what the model thought and remarked", async () => {
    model.enqueue([
      reply.reasoning("Hm."),
      reply.commentary("I look."),
      reply.text("Done."),
      reply.usage({
        inputTokens: 9,
        cachedInputTokens: 4,
        outputTokens: 5,
        reasoningOutputTokens: 2,
      }),
    ]);
    const result = await generateText({ model: codexModel(), prompt: "Go" });
    expect(result.text).toBe("Done.");
    expect(result.reasoning.map(({ text }) => text)).toEqual(["Hm.", "I look."]);
    expect(result.finishReason).toBe("stop");
    expect(result.usage).toMatchObject({
      inputTokens: 9,
      inputTokenDetails: { noCacheTokens: 5, cacheReadTokens: 4 },
      outputTokens: 5,
      outputTokenDetails: { textTokens: 3, reasoningTokens: 2 },
    });
    expect(result.response).toMatchObject({ id: idsOf(result).turnId, modelId: "mock-model" });
  });

  test("warns of settings that the server has not, and goes on", async () => {
    const result = await generateText({
      model: codexFor({ codex })("mock-model"),
      prompt: "Go",
      temperature: 1,
      topP: 1,
      topK: 1,
      seed: 1,
      maxOutputTokens: 100,
      presencePenalty: 1,
      frequencyPenalty: 1,
      stopSequences: ["x"],
    });
    const features = (result.warnings ?? []).map((each) => ("feature" in each ? each.feature : ""));
    expect(features.sort()).toEqual([
      "frequencyPenalty",
      "maxOutputTokens",
      "presencePenalty",
      "seed",
      "stopSequences",
      "temperature",
      "topK",
      "topP",
    ]);
  });

  test("tells a new thread what was said before, and the system prompt", async () => {
    await generateText({
      model: codexModel(),
      system: "Be brief.",
      messages: [user("before"), { role: "assistant", content: "said" }, user("now")],
    });
    const said = saidIn(model.requests.at(-1)?.input ?? []);
    expect(said).toContain("developer Be brief.");
    expect(said.slice(-3)).toEqual(["user before", "assistant said", "user now"]);
  });

  test("goes on with a thread, to which only what is newest is sent", async () => {
    model.enqueue(reply.text("One."), reply.text("Two."));
    const first = await generateText({ model: codexModel(), prompt: "first" });
    const { threadId, turnId } = idsOf(first);
    const second = await generateText({
      // In another process, the provider knows nothing of the thread.
      model: codexModel(),
      messages: [user("forged"), { role: "assistant", content: "forged, too" }, user("second")],
      providerOptions: { codex: { threadId } },
    });
    expect(idsOf(second).threadId).toBe(threadId);
    expect(idsOf(second).turnId).not.toBe(turnId);
    const said = saidIn(model.requests.at(-1)?.input ?? []);
    expect(said.slice(-3)).toEqual(["user first", "assistant One.", "user second"]);
    expect(said.join()).not.toContain("forged");
  });

  test("sends images as they are, and refuses other files before anything is sent", async () => {
    const file = (data: Uint8Array, mediaType: string): ModelMessage => ({
      role: "user",
      content: [
        { type: "text", text: "See" },
        { type: "file", data, mediaType },
      ],
    });
    await generateText({ model: codexModel(), messages: [file(png, "image/png")] });
    expect(JSON.stringify(model.requests.at(-1)?.input)).toContain(png.toString("base64"));
    const asked = model.requests.length;
    const pdf = generateText({
      model: codexModel(),
      messages: [file(Buffer.from("%PDF-1.7"), "application/pdf")],
    });
    const error = await rejection(pdf);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error.message).toContain("prompt[0].content[1] has a file of the type application/pdf");
    expect(model.requests.length).toBe(asked);
  });
});

describe("streamText()", () => {
  test("shows the text as it grows, and tools of Codex as executed by the provider", async () => {
    const gate = reply.hold();
    model.enqueue(reply.shell("echo out-of-it"), reply.text(["Half ", gate, "whole."]));
    const result = streamText({ model: codexModel(), prompt: "Go" });
    const seen: unknown[] = [];
    let text = "";
    for await (const part of result.fullStream) {
      if (part.type === "tool-call" || part.type === "tool-result") seen.push(part);
      if (part.type === "text-delta") text += part.text;
      if (text === "Half ") gate.release();
    }
    expect(text).toBe("Half whole.");
    const command = { toolName: "command", providerExecuted: true, dynamic: true };
    expect(seen).toMatchObject([
      { type: "tool-call", ...command },
      { type: "tool-result", ...command, output: { exitCode: 0, output: "out-of-it\n" } },
    ]);
    expect(await result.finishReason).toBe("stop");
  });

  test("stops the turn when its signal aborts", async () => {
    const gate = reply.hold();
    model.enqueue(reply.text(["Half ", gate, "whole."]));
    const aborting = new AbortController();
    const result = streamText({
      model: codexModel(),
      prompt: "Go",
      abortSignal: aborting.signal,
      onError: () => undefined,
    });
    const types: string[] = [];
    for await (const part of result.fullStream) {
      types.push(part.type);
      if (part.type === "text-delta") aborting.abort();
    }
    expect(types.at(-1)).toBe("abort");
    await untilIdle();
    gate.release();
  });

  test("an abort before anything was read stops the turn, too", async () => {
    const gate = reply.hold();
    model.enqueue(reply.text(["Half ", gate, "whole."]));
    const aborting = new AbortController();
    const { stream } = await codexModel().doStream({
      prompt: [{ role: "user", content: [{ type: "text", text: "Go" }] }],
      abortSignal: aborting.signal,
    });
    await gate.reached;
    aborting.abort(new Error("enough"));
    await untilIdle();
    expect((await rejection(collect(stream))).message).toBe("enough");
    gate.release();
  });

  test("stops the turn when nobody reads on", async () => {
    const gate = reply.hold();
    model.enqueue(reply.text(["Half ", gate, "whole."]));
    const { stream } = await codexModel().doStream({
      prompt: [{ role: "user", content: [{ type: "text", text: "Go" }] }],
    });
    const reader = stream.getReader();
    for (let type = ""; type !== "text-delta";) type = (await reader.read()).value?.type ?? "";
    expect(codex.runningTurns).toHaveLength(1);
    await reader.cancel();
    await untilIdle();
    gate.release();
  });

  test("tells of a turn that failed", async () => {
    model.enqueue(reply.failed("invalid_prompt", "no good"));
    const result = streamText({ model: codexModel(), prompt: "Go", onError: () => undefined });
    const errors: unknown[] = [];
    for await (const part of result.fullStream) if (part.type === "error") errors.push(part.error);
    expect(errors).toEqual([expect.any(TurnFailedError)]);
    expect(await result.finishReason).toBe("error");
  });
});

describe("the caller's tools", () => {
  test("are called in several steps of one turn, also at once", async () => {
    const asked = model.requests.length;
    model.enqueue([callAdd(1, 2), callAdd(3, 4)], callAdd(5, 6), reply.text("Done."));
    const result = await generateText({
      model: codexModel(),
      prompt: "Add",
      tools: { add: addTool() },
      stopWhen: stepCountIs(9),
    });
    expect(result.text).toBe("Done.");
    const outputs = result.steps.flatMap(({ toolResults }) =>
      toolResults.map((each) => each.output),
    );
    // Of calls that are made at once, any may reach us first.
    expect(outputs.slice(0, 2).sort()).toEqual([3, 7]);
    expect(outputs.slice(2)).toEqual([11]);
    expect(result.steps[0]?.finishReason).toBe("tool-calls");
    expect(new Set(result.steps.map((step) => idsOf(step).turnId)).size).toBe(1);
    expect(model.requests.length - asked).toBe(3);
    expect(model.requests.at(-1)?.toolOutputs.map(({ output }) => output)).toEqual([
      "3",
      "7",
      "11",
    ]);
    // Three responses of 10 and 5 tokens: none is counted twice.
    expect(result.totalUsage).toMatchObject({ inputTokens: 30, outputTokens: 15 });
  });

  test("may fail: the model is told, and goes on", async () => {
    model.enqueue(callAdd(1, 2), reply.text("A pity."));
    const add = addTool(() => {
      throw new Error("out of numbers");
    });
    const result = await generateText({
      model: codexModel(),
      prompt: "Add",
      tools: { add },
      stopWhen: stepCountIs(9),
    });
    expect(result.text).toBe("A pity.");
    expect(model.requests.at(-1)?.toolOutputs[0]?.output).toContain("out of numbers");
  });

  test.each([true, false])(
    "wait for a person's approval in the same turn: %s",
    async (approved) => {
      model.enqueue(callAdd(1, 2), reply.text("Done."));
      const provider = codexFor({ codex });
      const options = { model: provider(), tools: { add: addTool(undefined, true) } };
      const first = await generateText({ ...options, prompt: "Add" });
      const request = first.content.find((part) => part.type === "tool-approval-request");
      const answer: ModelMessage = {
        role: "tool",
        content: [
          { type: "tool-approval-response", approvalId: request?.approvalId ?? "", approved },
        ],
      };
      const messages = [user("Add"), ...first.response.messages, answer];
      const second = await generateText({ ...options, messages });
      expect(second.text).toBe("Done.");
      expect(idsOf(second).turnId).toBe(idsOf(first).turnId);
      const told = model.requests.at(-1)?.toolOutputs[0]?.output;
      if (approved) expect(told).toBe("3");
      else expect(told).toContain("The user has declined this call");
    },
  );

  test("an abort between two steps stops the turn that waits", async () => {
    model.enqueue(callAdd(1, 2));
    const aborting = new AbortController();
    const reason = new Error("enough");
    const add = addTool(() => {
      expect(codex.runningTurns).toHaveLength(1);
      aborting.abort(reason);
      return 3;
    });
    const calling = generateText({
      model: codexModel(),
      prompt: "Add",
      tools: { add },
      stopWhen: stepCountIs(9),
      abortSignal: aborting.signal,
    });
    expect(await rejection(calling)).toBe(reason);
    await untilIdle();
  });

  test("are called beside tools of Codex, which may end in a later step", async () => {
    const file = path.join(stage.project, "added");
    model.enqueue(
      [reply.shell(`until [ -e ${file} ]; do sleep 0.05; done; echo late`), callAdd(1, 2)],
      reply.text("Done."),
    );
    const add = addTool(async ({ a, b }) => {
      await writeFile(file, "");
      return a + b;
    });
    const result = await generateText({
      model: codexModel(),
      prompt: "Add",
      tools: { add },
      stopWhen: stepCountIs(9),
    });
    const ended = result.steps.map(({ toolResults }) => toolResults.map((each) => each.toolName));
    expect(ended).toEqual([["add"], ["command"]]);
    expect(result.steps[1]?.toolResults[0]?.output).toMatchObject({ output: "late\n" });
    expect(result.text).toBe("Done.");
  });

  test("a turn whose results do not come is stopped; later they begin another one", async () => {
    model.enqueue(callAdd(1, 2));
    const options = { model: codexFor({ codex, toolResultTimeoutMs: 50 })() };
    const tools = { add: addTool() };
    const first = await generateText({ ...options, prompt: "Add", tools });
    await untilIdle();
    const { threadId, turnId } = idsOf(first);
    const messages = [user("Add"), ...first.response.messages];
    const providerOptions = { codex: { threadId } };
    const second = await generateText({ ...options, messages, tools, providerOptions });
    expect(idsOf(second)).toMatchObject({ threadId });
    expect(idsOf(second).turnId).not.toBe(turnId);
    expect(saidIn(model.requests.at(-1)?.input ?? []).at(-1)).toBe(
      "user The tool add gave this:\n3",
    );
    const third = await generateText({ ...options, messages, tools });
    expect(idsOf(third).threadId).not.toBe(threadId);
    expect(saidIn(model.requests.at(-1)?.input ?? []).slice(-4)).toEqual([
      "user Add",
      "call add",
      'output "3"',
      "user Go on with these results.",
    ]);
  });

  test("of a thread stay those of its first call: others are warned of", async () => {
    const provider = codexFor({ codex });
    model.enqueue(reply.text("One."), callAdd(1, 2), reply.text("Two."));
    const options = { model: provider(), stopWhen: stepCountIs(9) };
    const first = await generateText({ ...options, prompt: "first", tools: { add: addTool() } });
    const { threadId } = idsOf(first);
    const second = await generateText({
      ...options,
      prompt: "second",
      tools: { add: addTool(() => 42), multiply: addTool() },
      providerOptions: { codex: { threadId } },
    });
    expect(second.steps[0]?.warnings).toMatchObject([
      { type: "unsupported", feature: "tool multiply" },
    ]);
    expect(second.text).toBe("Two.");
    expect(model.requests.at(-1)?.toolOutputs[0]?.output).toBe("42");
  });

  test("a thread that gets another prompt does not wait for results any more", async () => {
    model.enqueue(callAdd(1, 2), reply.text("Something else."));
    const options = { model: codexModel(), tools: { add: addTool() } };
    const first = await generateText({ ...options, prompt: "Add" });
    const { threadId } = idsOf(first);
    const providerOptions = { codex: { threadId } };
    const second = await generateText({ ...options, prompt: "Leave it", providerOptions });
    expect(second.text).toBe("Something else.");
    await untilIdle();
  });
});

describe("an answer by a schema", () => {
  const schema = jsonSchema<{ name: string; age?: number }>({
    type: "object",
    properties: { name: { type: "string" }, age: { type: "number" } },
    required: ["name"],
    additionalProperties: false,
  });

  test("comes without the nulls that the model gives for what is left out", async () => {
    model.enqueue([reply.commentary("Well."), reply.text('{"name":"Ada","age":null}')]);
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- version 6 has it, and many use it
    const { object } = await generateObject({ model: codexModel(), prompt: "Who?", schema });
    expect(object).toEqual({ name: "Ada" });
    expect(model.requests.at(-1)?.outputSchema).toMatchObject({ required: ["name", "age"] });
  });

  test("grows piece by piece when nothing may be left out", async () => {
    const gate = reply.hold();
    model.enqueue(reply.text(['{"name":"A', gate, 'da"}']));
    const name = { type: "string" } as const;
    const whole = jsonSchema<{ name: string }>({
      ...{ type: "object", properties: { name }, required: ["name"] },
      additionalProperties: false,
    });
    const output = Output.object({ schema: whole });
    const result = streamText({ model: codexModel(), prompt: "Who?", output });
    const seen: unknown[] = [];
    for await (const partial of result.partialOutputStream) {
      seen.push(partial);
      gate.release();
    }
    expect(seen).toEqual([{ name: "A" }, { name: "Ada" }]);
    expect(await result.output).toEqual({ name: "Ada" });
  });
});

describe("errors", () => {
  test("a turn that failed is not repeated", async () => {
    const asked = model.requests.length;
    model.enqueue(reply.failed("invalid_prompt", "no good"));
    const error = await rejection(generateText({ model: codexModel(), prompt: "Go" }));
    expect(error).toBeInstanceOf(TurnFailedError);
    expect(model.requests.length - asked).toBe(1);
  });

  /** A client whose first thread the server refuses. */
  function refusing(error: Error): { source: ModelSource; calls: () => number } {
    let calls = 0;
    const source: ModelSource = {
      startThread: (options) => {
        calls += 1;
        return calls === 1 ? Promise.reject(error) : codex.startThread(options);
      },
      resumeThread: (id, options) => codex.resumeThread(id, options),
      thread: (id, options) => codex.thread(id, options),
    };
    return { source, calls: () => calls };
  }
  const details = { method: "thread/start", message: "no", data: undefined };

  test("`ai` repeats what a busy server has not taken", async () => {
    const busy = new ServerBusyError({ ...details, rpcCode: -32001 });
    const { source, calls } = refusing(busy);
    const result = await generateText({ model: codexFor({ codex: source })(), prompt: "Go" });
    expect(result.finishReason).toBe("stop");
    expect(calls()).toBe(2);
    expect(APICallError.isInstance(busy)).toBe(true);
  });

  test("`ai` does not repeat what the server cannot take", async () => {
    const invalid = new InvalidParamsError({ ...details, rpcCode: -32602 });
    const { source, calls } = refusing(invalid);
    const calling = generateText({ model: codexFor({ codex: source })(), prompt: "Go" });
    expect(await rejection(calling)).toBe(invalid);
    expect(calls()).toBe(1);
  });
});

test("commands are approved by the handlers of the provider", async () => {
  const file = path.join(stage.project, "refused");
  const asked: (string | null | undefined)[] = [];
  model.enqueue(reply.shell(`touch ${file}`), reply.text("A pity."));
  const provider = codexFor({
    codex,
    thread: {
      approvalPolicy: "untrusted",
      onApproval: {
        command: ({ command }) => {
          asked.push(command);
          return "decline";
        },
      },
    },
  });
  const result = await generateText({ model: provider(), prompt: "Touch it" });
  expect(asked).toEqual([expect.stringContaining("touch")]);
  expect(existsSync(file)).toBe(false);
  expect(result.content).toMatchObject([
    { type: "tool-call", toolName: "command" },
    { type: "tool-error", toolName: "command", error: "The call was declined." },
    { type: "text", text: "A pity." },
  ]);
});
