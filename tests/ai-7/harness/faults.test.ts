/** What goes wrong around a session: whatever it is, the host is told, with a typed error or in the turn. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { jsonSchema, Output } from "ai";
import { reply, type LoopbackModel } from "../../../lib/testing/index.js";
import { addTool } from "../../support/ai-model.js";
import { rejection } from "../../support/real.js";
import { HarnessStage, partOf, partsIn, textOf } from "./harness-stage.js";

let stage: HarnessStage;
let model: LoopbackModel;

beforeAll(async () => {
  stage = await HarnessStage.open();
  model = stage.model;
});
afterAll(() => stage.close());

const outputs = () => JSON.stringify(model.requests.at(-1)?.toolOutputs);
/** A state as it comes back from a database. */
const stored = <State>(state: State): State => JSON.parse(JSON.stringify(state)) as State;
const threadOf = ({ providerMetadata }: { providerMetadata?: unknown }): string =>
  (providerMetadata as { codex: { threadId: string } }).codex.threadId;

async function untilIdle(): Promise<void> {
  while (stage.codex.runningTurns.length > 0) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

test("a session whose thread was deleted meanwhile refuses the next prompt", async () => {
  const agent = stage.agent();
  const session = await agent.createSession();
  const first = await agent.generate({ session, prompt: "first" });
  await stage.codex.deleteThread(threadOf(first));
  const refused = await rejection(agent.generate({ session, prompt: "second" }));
  expect(refused).toMatchObject({ code: "THREAD_NOT_FOUND" });
  await session.destroy();
});

test("a turn whose thread was deleted while it was suspended is not there to go on with", async () => {
  const gate = reply.hold();
  model.enqueue(reply.text(["Half ", gate]));
  const agent = stage.agent();
  const session = await agent.createSession();
  const reading = partsIn(await agent.stream({ session, prompt: "Go" }));
  await gate.reached;
  const [running] = stage.codex.runningTurns;
  const continueFrom = stored(await session.suspendTurn());
  await reading;
  gate.release();
  await untilIdle();
  await stage.codex.deleteThread(running?.threadId ?? "");
  const { sessionId } = session;
  const other = stage.agent();
  const again = await other.createSession({ sessionId, continueFrom });
  const refused = await rejection(other.continueGenerate({ session: again }));
  expect(refused).toMatchObject({ code: "TURN_NOT_FOUND" });
  await again.destroy();
});

test("a model that cannot be reached fails the turn, and the session takes another prompt", async () => {
  const agent = stage.agent();
  const session = await agent.createSession();
  model.respond(() => reply.http(500, "down"));
  const parts = await partsIn(await agent.stream({ session, prompt: "Go" }));
  expect(partOf(parts, "error")["error"]).toMatchObject({ code: "TURN_FAILED" });
  model.respond(() => reply.text("Up."));
  expect((await agent.generate({ session, prompt: "Again" })).text).toBe("Up.");
  await session.destroy();
});

test("a turn whose tool does not answer ends when its call is aborted", async () => {
  let call: () => void = () => undefined;
  let answer: (sum: number) => void = () => undefined;
  const called = new Promise<void>((resolve) => (call = resolve));
  const answered = new Promise<number>((resolve) => (answer = resolve));
  const add = addTool(() => {
    call();
    return answered;
  });
  model.enqueue(reply.functionCall("add", { a: 1, b: 2 }));
  const agent = stage.agent({ tools: { add } as never });
  const session = await agent.createSession();
  const aborting = new AbortController();
  const { signal: abortSignal } = aborting;
  const result = await agent.stream({ session, prompt: "Add", abortSignal });
  const reading = (async () => {
    for await (const { type } of result.fullStream) if (type === "abort") return type;
    return "end";
  })();
  await called;
  aborting.abort(new Error("no longer wanted"));
  await untilIdle();
  await session.destroy();
  // HarnessAgent itself waits for the tool before it says so.
  answer(3);
  expect(await reading).toBe("abort");
});

const circular: Record<string, unknown> = {};
circular["self"] = circular;

test.each([
  ["itself", () => circular],
  ["a function", () => () => 1],
  ["text of which half is missing", () => "half \ud83d"],
])("a tool that returns %s does not hold its turn up", async (_, execute) => {
  model.enqueue(reply.functionCall("add", { a: 1, b: 2 }), reply.text("Well."));
  const agent = stage.agent({ tools: { add: addTool(execute) } as never });
  const session = await agent.createSession();
  const parts = await partsIn(await agent.stream({ session, prompt: "Add" }));
  expect(textOf(parts)).toBe("Well.");
  expect(outputs()).not.toBe("[]");
  await session.destroy();
});

test("an answer that does not fit its schema is not told as one", async () => {
  model.enqueue(reply.text("no JSON at all"));
  const schema = jsonSchema<{ a: number }>({
    ...{ type: "object", properties: { a: { type: "number" } }, required: ["a"] },
    additionalProperties: false,
  });
  const agent = stage.agent({ output: Output.object({ schema }) as never });
  const session = await agent.createSession();
  const read = agent.generate({ session, prompt: "Go" }).then(({ output }) => output as unknown);
  expect((await rejection(read)).name).toBe("AI_NoObjectGeneratedError");
  await session.destroy();
});
