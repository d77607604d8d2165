import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import * as z from "zod";
import { ThreadBusyError, TurnFailedError, type Codex, type Thread } from "../../lib/index.js";
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

const person = z.object({
  name: z.string(),
  age: z.int().optional(),
  email: z.string().nullable(),
});

describe("a turn that did not complete has no output", () => {
  test("when it was interrupted", async () => {
    const thread = await codex.startThread();
    const gate = reply.hold();
    model.enqueueFor(thread.id, reply.text(['{"name":', gate, '"Ann"}']));
    const turn = thread.turn("Who?", { outputSchema: person });
    await gate.reached;
    await turn.interrupt();
    await expect(turn.run()).resolves.toMatchObject({ status: "interrupted", output: undefined });
  });

  test("when it failed", async () => {
    const thread = await codex.startThread();
    model.enqueueFor(
      thread.id,
      reply.failed("server_error", "broken"),
      reply.failed("server_error", "broken"),
    );
    const result = await thread.run("Who?", { outputSchema: person, throwOnFailure: false });
    expect(result).toMatchObject({ status: "failed", output: undefined });
    const error = await rejection(thread.run("Who?", { outputSchema: person }));
    expect(error).toBeInstanceOf(TurnFailedError);
  });
});

describe("on a busy thread", () => {
  /** A thread whose turn with this schema is in the middle of its answer. */
  async function running(outputSchema: typeof person | undefined) {
    const thread = await codex.startThread();
    const gate = reply.hold();
    const ann = '{"name":"Ann","age":null,"email":null}';
    model.enqueueFor(
      thread.id,
      reply.text(['{"name":"Ann",', gate, '"age":null,"email":null}']),
      reply.text(ann),
      reply.text(ann),
    );
    const turn = thread.turn("Who?", { outputSchema });
    await gate.reached;
    return { thread, turn, gate };
  }

  test("steering with the same schema joins the turn, and both have its output", async () => {
    const { thread, turn, gate } = await running(person);
    const joined = thread.turn("Or Bob?", { outputSchema: person, whenBusy: "steer" });
    await joined.started;
    gate.release(); // Older servers let the message end.
    const results = await Promise.all([turn.run(), joined.run()]);
    expect(results[0].id).toBe(results[1].id);
    for (const { output } of results) expect(output).toEqual({ name: "Ann", email: null });
  });

  test("steering without a schema joins it, too, and has the text", async () => {
    const { thread, turn, gate } = await running(person);
    const joined = thread.turn("Or Bob?", { whenBusy: "steer" });
    await joined.started;
    gate.release();
    const [result, other] = await Promise.all([turn.run(), joined.run()]);
    expect(result.output).toEqual({ name: "Ann", email: null });
    expect(other).toMatchObject({ id: result.id, output: undefined });
    expect(other.finalResponse).toBe('{"name":"Ann","age":null,"email":null}');
  });

  test.each([
    ["another schema", person],
    ["no schema", undefined],
  ])("steering a turn that has %s is refused, and disturbs nothing", async (_name, schema) => {
    const { thread, turn, gate } = await running(schema);
    const outputSchema = z.object({ word: z.string() });
    const joined = thread.turn("Or Bob?", { outputSchema, whenBusy: "steer" });
    const error = await rejection(joined.run());
    expect(error).toBeInstanceOf(ThreadBusyError);
    expect(error.message).toMatch(/another outputSchema: wait until it has ended/);
    gate.release();
    await expect(turn.run()).resolves.toMatchObject({ status: "completed" });
    await expect(thread.run("Who?", { outputSchema: person })).resolves.toMatchObject({
      output: { name: "Ann" },
    });
  });

  test("turns with schemas of their own wait for each other", async () => {
    const thread = await answering({ word: "one" }, { number: 2 });
    const [word, number] = await Promise.all([
      thread.run("A word", { outputSchema: z.object({ word: z.string() }) }),
      thread.run("A number", { outputSchema: z.object({ number: z.number() }) }),
    ]);
    expect([word.output, number.output]).toEqual([{ word: "one" }, { number: 2 }]);
  });
});
