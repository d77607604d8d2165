import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import * as z from "zod";
import {
  InvalidArgumentError,
  OutputMismatchError,
  type Codex,
  type Thread,
} from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
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

/** A thread whose model gives these answers, each as JSON unless it is text. */
async function answering(...answers: unknown[]): Promise<Thread> {
  const thread = await codex.startThread();
  const texts = answers.map((each) => (typeof each === "string" ? each : JSON.stringify(each)));
  model.enqueueFor(thread.id, ...texts.map((text) => reply.text(text)));
  return thread;
}

function requestsOf(thread: Thread) {
  return model.requests.filter(({ threadId }) => threadId === thread.id);
}

async function mismatch(promise: Promise<unknown>): Promise<OutputMismatchError> {
  const error = await rejection(promise);
  if (error instanceof OutputMismatchError) return error;
  throw error;
}

const person = z.object({
  name: z.string(),
  age: z.int().optional(),
  email: z.string().nullable(),
});

const strictPerson = {
  type: "object",
  properties: {
    name: { type: "string" },
    age: { type: ["integer", "null"] },
    email: { type: ["string", "null"] },
  },
  additionalProperties: false,
};

describe("an outputSchema", () => {
  test("reaches the model for strict mode, and the output comes back typed", async () => {
    const thread = await answering({ name: "Ann", age: 7, email: null });
    const result = await thread.run("Who?", { outputSchema: person });
    if (result.status !== "completed") throw new Error(result.status);
    // Compiles, because the schema says what these are.
    expect(result.output.name.toUpperCase()).toBe("ANN");
    expect(result.output.age?.toFixed(1)).toBe("7.0");
    expect(result.output).toEqual({ name: "Ann", age: 7, email: null });
    expect(result.finalResponse).toBe('{"name":"Ann","age":7,"email":null}');
    const [request] = requestsOf(thread);
    expect(request?.body.text).toMatchObject({ format: { type: "json_schema", strict: true } });
    expect(request?.outputSchema).toMatchObject({
      ...strictPerson,
      properties: { ...strictPerson.properties, age: { type: ["integer", "null"] } },
      required: ["name", "age", "email"],
    });
  });

  test.each([
    ["ArkType", type({ name: "string", "age?": "number.integer", email: "string | null" })],
    [
      "Valibot",
      toStandardJsonSchema(
        v.object({
          name: v.string(),
          age: v.optional(v.pipe(v.number(), v.integer())),
          email: v.nullable(v.string()),
        }),
      ),
    ],
    [
      "plain JSON Schema",
      {
        type: "object",
        properties: {
          name: { type: "string" },
          age: { type: "integer" },
          email: { type: ["string", "null"] },
        },
        required: ["name", "email"],
      },
    ],
  ])("may be of %s", async (_name, outputSchema) => {
    const thread = await answering(
      { name: "Ann", age: null, email: null },
      { name: "Bob", age: 1.5 },
    );
    const { output } = await thread.run<unknown>("Who?", { outputSchema });
    expect(output).toEqual({ name: "Ann", email: null });
    const [request] = requestsOf(thread);
    expect(request?.outputSchema).toMatchObject({ type: "object", additionalProperties: false });
    expect(request?.outputSchema?.required).toHaveLength(3);
    const { issues } = await mismatch(thread.run<unknown>("And?", { outputSchema }));
    expect(issues.map(({ path }) => path.join()).toSorted()).toEqual(["age", "email"]);
  });

  test("is for its turn alone: the next one answers as it likes", async () => {
    const thread = await answering({ name: "Ann", age: 7, email: null }, "As you like.");
    await thread.run("Who?", { outputSchema: person });
    const next = await thread.run("And now?");
    expect(next).toMatchObject({ finalResponse: "As you like.", output: undefined });
    expect(requestsOf(thread).map(({ outputSchema }) => outputSchema !== undefined)).toEqual([
      true,
      false,
    ]);
  });

  test("may be recursive, with defaults and transformations", async () => {
    const tree = z.object({
      name: z.string(),
      size: z.number().default(1),
      when: z.iso.date().transform((text) => new Date(text).getUTCFullYear()),
      get children() {
        return z.array(tree).optional();
      },
    });
    const leaf = { name: "leaf", size: null, when: "2026-01-01", children: null };
    const thread = await answering({ ...leaf, name: "root", size: 2, children: [leaf] });
    const { output } = await thread.run("Draw", { outputSchema: tree });
    expect(output).toEqual({
      name: "root",
      size: 2,
      when: 2026,
      children: [{ name: "leaf", size: 1, when: 2026 }],
    });
  });

  test("is refused before anything is sent when strict mode cannot express it", async () => {
    const thread = await codex.startThread();
    const outputSchema = z.object({
      user: z.object({ tags: z.record(z.string(), z.string()) }),
    });
    const error = await rejection(thread.run("Who?", { outputSchema }));
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error.message).toMatch(/^outputSchema\.properties\.user\.properties\.tags /);
    expect(() => thread.turn("Who?", { outputSchema })).toThrow(InvalidArgumentError);
    expect(requestsOf(thread)).toEqual([]);
    await expect(thread.run("Hi")).resolves.toMatchObject({ status: "completed" });
  });

  test("goes with the tool calls before the answer", async () => {
    const thread = await codex.startThread();
    model.enqueueFor(
      thread.id,
      [reply.commentary("Let me look."), reply.shell("echo 7")],
      reply.text('{"name":"Ann","age":7,"email":null}'),
    );
    const { output } = await thread.run("Who?", { outputSchema: person });
    expect(output).toEqual({ name: "Ann", age: 7, email: null });
    expect(requestsOf(thread).map(({ outputSchema }) => outputSchema?.type)).toEqual([
      "object",
      "object",
    ]);
  });
});

describe("an answer that misses its schema", () => {
  test("throws an error that has the text and says where, without quoting it", async () => {
    const thread = await answering({ name: "secret", age: "secret", email: null });
    const error = await mismatch(thread.run("Who?", { outputSchema: person }));
    expect(error).toMatchObject({
      code: "OUTPUT_MISMATCH",
      name: "OutputMismatchError",
      reason: "invalid",
      text: '{"name":"secret","age":"secret","email":null}',
      issues: [{ path: ["age"] }],
      result: { status: "completed", threadId: thread.id, output: undefined },
    });
    expect(error.message).not.toContain("secret");
    await expect(thread.run("Never mind")).resolves.toMatchObject({ status: "completed" });
  });

  test("because it is no JSON", async () => {
    const thread = await answering("I would rather talk.");
    const error = await mismatch(thread.run("Who?", { outputSchema: person }));
    expect(error).toMatchObject({ reason: "notJson", text: "I would rather talk.", issues: [] });
    expect(error.message + String(error.cause)).not.toContain("rather");
  });

  test("because there is none", async () => {
    const thread = await codex.startThread();
    model.enqueueFor(thread.id, reply.commentary("Thinking aloud."));
    const error = await mismatch(thread.run("Who?", { outputSchema: person }));
    expect(error).toMatchObject({ reason: "noAnswer", text: null, issues: [] });
  });

  test("throws every time, also when failures are not to be thrown, and from textStream()", async () => {
    const thread = await answering("no", "no");
    const turn = thread.turn("Who?", { outputSchema: person });
    const [one, two] = await Promise.all([
      mismatch(turn.run()),
      mismatch(turn.run({ throwOnFailure: false })),
    ]);
    expect(one.text).toBe("no");
    expect(two.text).toBe("no");
    const read = async () => {
      let text = "";
      for await (const piece of thread.turn("Who?", { outputSchema: person }).textStream()) {
        text += piece;
      }
      return text;
    };
    await mismatch(read());
  });

  test("by a check that takes its time, or that itself breaks", async () => {
    const boom = new Error("the check broke");
    const checked = z.object({
      word: z.string().refine(async (word) => {
        await Promise.resolve();
        return word === "good";
      }),
    });
    const breaking = z.object({
      word: z.string().refine(() => {
        throw boom;
      }),
    });
    const thread = await answering({ word: "good" }, { word: "bad" }, { word: "good" });
    await expect(thread.run("1", { outputSchema: checked })).resolves.toMatchObject({
      output: { word: "good" },
    });
    const { issues } = await mismatch(thread.run("2", { outputSchema: checked }));
    expect(issues).toMatchObject([{ path: ["word"] }]);
    await expect(thread.run("3", { outputSchema: breaking })).rejects.toBe(boom);
  });
});
