import { jsonSchema, Output } from "ai";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import { reply, type LoopbackModel } from "../../../lib/testing/index.js";
import { saidIn } from "../../support/ai-model.js";
import { png } from "../../support/images.js";
import { rejection } from "../../support/real.js";
import { HarnessStage, partOf, partsIn, textOf } from "./harness-stage.js";

let stage: HarnessStage;
let model: LoopbackModel;

beforeAll(async () => {
  stage = await HarnessStage.open();
  model = stage.model;
});
afterAll(() => stage.close());

const usage = reply.usage({
  inputTokens: 9,
  cachedInputTokens: 4,
  outputTokens: 5,
  reasoningOutputTokens: 2,
});

const said = () => saidIn(model.requests.at(-1)?.input ?? []);
const toolsOf = () => (model.requests.at(-1)?.tools ?? []).map(({ name, type }) => name ?? type);

describe("a prompt", () => {
  test("gives the answer, and apart from it what the model thought, in a directory of its own", async () => {
    model.enqueue([reply.reasoning("Hm."), reply.text("Done."), usage]);
    const agent = stage.agent();
    const session = await agent.createSession();
    const parts = await partsIn(await agent.stream({ session, prompt: "Go" }));
    expect(textOf(parts)).toBe("Done.");
    expect(parts.find(({ type }) => type === "reasoning-delta")).toMatchObject({ text: "Hm." });
    expect(existsSync(stage.directoryOf(session))).toBe(true);
    expect(partOf(parts, "finish")).toMatchObject({
      finishReason: "stop",
      totalUsage: {
        inputTokens: 9,
        inputTokenDetails: { cacheReadTokens: 4 },
        outputTokens: 5,
        outputTokenDetails: { reasoningTokens: 2 },
      },
      providerMetadata: { codex: { threadId: expect.any(String), turnId: expect.any(String) } },
    });
    await session.destroy();
  });

  test("has a step for each response that calls something, and the usage of the whole turn", async () => {
    model.enqueue(
      [reply.text("First this. "), reply.shell("echo out-of-it"), usage],
      [reply.text("Done."), usage],
    );
    const agent = stage.agent();
    const session = await agent.createSession();
    const result = await agent.generate({ session, prompt: "Go" });
    expect(result.text).toBe("Done.");
    expect(result.steps.map(({ text }) => text)).toEqual(["First this. ", "Done."]);
    expect(result.steps.map(({ finishReason }) => finishReason)).toEqual(["tool-calls", "stop"]);
    expect(result.steps[0]?.toolCalls).toMatchObject([
      { toolName: "bash", input: { command: expect.stringContaining("echo out-of-it") } },
    ]);
    expect(result.steps[0]?.toolResults).toMatchObject([
      { toolName: "bash", output: { exitCode: 0, output: "out-of-it\n" } },
    ]);
    expect(result.usage).toMatchObject({ inputTokens: 18, outputTokens: 10 });
    await session.destroy();
  });

  test("goes on with the thread of its session, with images, and refuses other files", async () => {
    const agent = stage.agent();
    const session = await agent.createSession();
    await agent.generate({ session, prompt: "first" });
    const content = [
      { type: "text", text: "second" },
      { type: "file", data: png, mediaType: "image/png" },
    ] as const;
    await agent.generate({ session, prompt: [{ role: "user", content: [...content] }] });
    expect(said()).toEqual(expect.arrayContaining(["user first", "user second"]));
    expect(JSON.stringify(model.requests.at(-1)?.input)).toContain(png.toString("base64"));
    const asked = model.requests.length;
    const pdf = [
      { type: "file", data: Buffer.from("%PDF"), mediaType: "application/pdf" },
    ] as const;
    const refused = agent.generate({ session, prompt: [{ role: "user", content: [...pdf] }] });
    expect(await rejection(refused)).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(model.requests.length).toBe(asked);
    // The session stays usable.
    expect((await agent.generate({ session, prompt: "third" })).finishReason).toBe("stop");
    await session.destroy();
  });

  test("gives structured output, also with properties that may be left out", async () => {
    model.enqueue(reply.text('{"a":1,"b":null}'));
    const schema = jsonSchema<{ a: number; b?: number }>({
      type: "object",
      properties: { a: { type: "number" }, b: { type: "number" } },
      required: ["a"],
      additionalProperties: false,
    });
    const agent = stage.agent({ output: Output.object({ schema }) as never });
    const session = await agent.createSession();
    const result = await agent.generate({ session, prompt: "Go" });
    expect(result.output).toEqual({ a: 1 });
    await session.destroy();
    // Without a schema the model could not be held to it.
    const loose = stage.agent({ output: Output.json() as never });
    const other = await loose.createSession();
    const refused = await rejection(loose.generate({ session: other, prompt: "Go" }));
    expect(refused).toMatchObject({ argument: "responseFormat" });
    await other.destroy();
  });

  test("stops when its signal aborts, and the session takes another one", async () => {
    const gate = reply.hold();
    model.enqueue(reply.text(["Half ", gate, "whole."]), reply.text("Next."));
    const agent = stage.agent();
    const session = await agent.createSession();
    const aborting = new AbortController();
    const result = await agent.stream({ session, prompt: "Go", abortSignal: aborting.signal });
    const types: string[] = [];
    for await (const part of result.fullStream) {
      types.push(part.type);
      if (part.type === "text-delta") aborting.abort(new Error("no longer wanted"));
    }
    expect(types.at(-1)).toBe("abort");
    gate.release();
    expect((await agent.generate({ session, prompt: "Then" })).text).toBe("Next.");
    await session.destroy();
  });

  test("that fails says why", async () => {
    model.enqueue(reply.usageLimit());
    const agent = stage.agent();
    const session = await agent.createSession();
    const parts = await partsIn(await agent.stream({ session, prompt: "Go" }));
    expect(partOf(parts, "error")["error"]).toMatchObject({
      code: "TURN_FAILED",
      reason: "usageLimitExceeded",
    });
    await session.destroy();
  });
});

describe("a message while a turn runs", () => {
  test("joins the turn", async () => {
    const gate = reply.hold();
    model.enqueue(reply.text(["One thing", gate]), reply.text("And the other."));
    const agent = stage.agent();
    const session = await agent.createSession();
    const result = await agent.stream({ session, prompt: "Go" });
    const reading = partsIn(result);
    await gate.reached;
    await agent.experimental_steer({ session, text: "The other, too" });
    gate.release();
    expect(textOf(await reading)).toContain("And the other.");
    expect(said()).toContain("user The other, too");
    await session.destroy();
  });
});

describe("compaction", () => {
  test("is carried out, and told by the next turn with the numbers of tokens", async () => {
    model.enqueue([reply.text("Long."), usage], [reply.text("Summary"), usage], reply.text("On."));
    const agent = stage.agent();
    const session = await agent.createSession();
    await agent.generate({ session, prompt: "Go" });
    await session.compact();
    const parts = await partsIn(await agent.stream({ session, prompt: "Go on" }));
    const told = parts.find((part) => part.type === "tool-result");
    expect(told).toMatchObject({ toolName: "compaction", output: { trigger: "manual" } });
    expect(told?.["output"]).toMatchObject({ tokensBefore: expect.any(Number) });
    await session.destroy();
  });

  test("takes no instructions, and needs no thread", async () => {
    const agent = stage.agent();
    const session = await agent.createSession();
    await session.compact();
    expect(await rejection(session.compact("Be brief"))).toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: "customInstructions",
    });
    await session.destroy();
  });

  test("that the server begins itself is told where it happens", async () => {
    const config = { model_auto_compact_token_limit: 100 };
    model.enqueue(
      [reply.text("Much."), reply.usage({ inputTokens: 5_000, outputTokens: 5 })],
      [reply.text("Summary"), usage],
      [reply.text("On."), usage],
    );
    const agent = stage.agent({ options: { thread: { config } } });
    const session = await agent.createSession();
    await agent.generate({ session, prompt: "Go" });
    const parts = await partsIn(await agent.stream({ session, prompt: "Go on" }));
    expect(partOf(parts, "tool-result")).toMatchObject({
      toolName: "compaction",
      output: { trigger: "auto" },
    });
    expect(textOf(parts)).toBe("On.");
    await session.destroy();
  });
});

describe("instructions and skills", () => {
  test("may be others with each turn of the same thread", async () => {
    const skill = {
      name: "haiku",
      description: "Answers in haikus",
      content: "Write seventeen syllables.",
      files: [{ path: "references/forms.md", content: "5-7-5" }],
    };
    let instructions = "Be brief.";
    let skills = [skill];
    const agent = stage.agent({
      prepareCall: (call: object) => ({ ...call, instructions, skills }) as never,
    });
    const session = await agent.createSession();
    const first = await agent.generate({ session, prompt: "first" });
    const begun = said().join("\n");
    expect(begun).toContain("Be brief.");
    const [, file = ""] = /haiku: Answers in haikus \(file: (\S+)\)/.exec(begun) ?? [];
    const { readFile } = await import("node:fs/promises");
    expect(await readFile(file, "utf8")).toContain("Write seventeen syllables.");
    const forms = path.join(path.dirname(file), "references/forms.md");
    expect(await readFile(forms, "utf8")).toBe("5-7-5");
    instructions = "Be long.";
    skills = [];
    const second = await agent.generate({ session, prompt: "second" });
    const then = said().slice(said().indexOf("user first")).join("\n");
    expect(then).toContain("Be long.");
    expect(then).toContain("no skills any more");
    const threadOf = (result: { providerMetadata?: unknown }) =>
      (result.providerMetadata as { codex: { threadId: string } }).codex.threadId;
    expect(threadOf(second)).toBe(threadOf(first));
    await session.destroy();
  });
});

describe("tools of Codex that are inactive", () => {
  test("are none that the model knows", async () => {
    const inactiveTools = ["bash", "webSearch", "subagent"] as never;
    const agent = stage.agent({ inactiveTools });
    const session = await agent.createSession();
    await agent.generate({ session, prompt: "Go" });
    const without = toolsOf();
    expect(without).not.toContain("exec_command");
    expect(without).not.toContain("web_search");
    expect(without).not.toContain("multi_agent_v1");
    await session.destroy();
    const whole = await stage.agent().createSession();
    await stage.agent().generate({ session: whole, prompt: "Go" });
    expect(toolsOf()).toEqual(
      expect.arrayContaining(["exec_command", "web_search", "multi_agent_v1"]),
    );
    await whole.destroy();
  });
});
