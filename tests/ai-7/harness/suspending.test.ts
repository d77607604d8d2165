/**
 * A host reads slower than it is told, and decides only when it has read a step whether it stops there. What it is told
 * when its turn is suspended meanwhile: whatever it decides, everything comes once.
 */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readUIMessageStream, stepCountIs, toUIMessageStream } from "ai";
import type { HarnessSource } from "../../../lib/ai/index.js";
import type { TurnInput, TurnOptions } from "../../../lib/index.js";
import { reply, type LoopbackModel } from "../../../lib/testing/index.js";
import {
  HarnessStage,
  partOf,
  partsIn,
  textOf,
  type AgentOptions,
  type SeenPart,
} from "./harness-stage.js";

let stage: HarnessStage;
let model: LoopbackModel;

beforeAll(async () => {
  stage = await HarnessStage.open();
  model = stage.model;
});
afterAll(() => stage.close());

/** A state as it comes back from a database. */
const stored = <State>(state: State): State => JSON.parse(JSON.stringify(state)) as State;

async function untilIdle(): Promise<void> {
  while (stage.codex.runningTurns.length > 0) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Something that its callers wait for. */
function pending<Value>() {
  let reach: () => void = () => undefined;
  let release: (value: Value) => void = () => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const released = new Promise<Value>((resolve) => (release = resolve));
  const wait = async (): Promise<Value> => {
    reach();
    return released;
  };
  return { wait, reached, release };
}

interface Suspending extends AgentOptions {
  /** Resolves when the host has begun to wait. */
  readonly reached: Promise<void>;
  /** Lets it read on. */
  readonly release: () => void;
  /** Whether the harness that goes on knows the turn, or finds it on the server. */
  readonly knowsTurn: boolean;
}

/**
 * Runs a turn of three steps to its end while its host waits, suspends it, and only then lets the host read on. Gives
 * what the host was told, and what the next one is told.
 */
async function suspending({ reached, release, knowsTurn, ...settings }: Suspending) {
  model.enqueue(
    [reply.text("First. "), reply.shell("echo one")],
    [reply.text("Second. "), reply.shell("echo two")],
    reply.text("Third."),
  );
  const harness = stage.harness();
  const agent = stage.agent({ harness, ...settings });
  const session = await agent.createSession();
  const reading = partsIn(await agent.stream({ session, prompt: "Go" }));
  await reached;
  await untilIdle();
  const suspended = session.suspendTurn();
  release();
  const continueFrom = stored(await suspended);
  const first = await reading;
  const { sessionId } = session;
  const next = stage.agent({ harness: knowsTurn ? harness : stage.harness() });
  const again = await next.createSession({ sessionId, continueFrom });
  const rest = await partsIn(await next.continueStream({ session: again }));
  expect(again.hasUnfinishedTurn()).toBe(false);
  await again.destroy();
  return { first, rest };
}

/** The outputs of the commands. */
const outputsIn = (parts: readonly SeenPart[]) =>
  parts
    .filter(({ type }) => type === "tool-result")
    .map(({ output }) => (output as { readonly output: string }).output);

describe.each([
  ["by a harness that knows the turn", true],
  ["by a harness that finds it on the server", false],
])("%s", (_, knowsTurn) => {
  test.each([
    ["does not stop there", false, "First. Second. Third."],
    ["stops there", true, "First. "],
  ])("behind a step that the host has read, and then %s", async (_name, stops, text) => {
    const decision = pending<boolean>();
    const { reached } = decision;
    const release = () => {
      decision.release(stops);
    };
    const stopWhen = decision.wait as never;
    const { first, rest } = await suspending({ stopWhen, reached, release, knowsTurn });
    expect(textOf(first)).toBe(text);
    expect(textOf([...first, ...rest])).toBe("First. Second. Third.");
    expect(outputsIn([...first, ...rest])).toEqual(["one\n", "two\n"]);
    expect(partOf(rest, "finish")).toMatchObject({ finishReason: "stop" });
  });

  test("behind a step that the host has not read yet, where it stops", async () => {
    const start = pending<void>();
    const { reached, release } = start;
    const { first, rest } = await suspending({
      ...{ onStepStart: start.wait, stopWhen: stepCountIs(2) as never },
      ...{ reached, release, knowsTurn },
    });
    expect(textOf(first)).toBe("First. Second. ");
    expect(textOf(rest)).toBe("Third.");
    expect(outputsIn([...first, ...rest])).toEqual(["one\n", "two\n"]);
  });

  test("behind nothing that the host has read, which reads on to the end", async () => {
    const start = pending<void>();
    const { reached, release } = start;
    const { first, rest } = await suspending({
      ...{ onStepStart: start.wait, reached, release, knowsTurn },
    });
    expect(textOf(first)).toBe("First. Second. Third.");
    expect(textOf(rest)).toBe("");
    expect(partOf(rest, "finish")).toMatchObject({ finishReason: "stop" });
  });
});

/** The client of the stage, whose turns keep this much for whoever does not read. */
function keeping(maxBacklogBytes: number): HarnessSource {
  const { codex } = stage;
  return {
    startThread: async (options) => {
      const thread = await codex.startThread(options);
      const turn = thread.turn.bind(thread);
      thread.turn = (input: TurnInput, settings?: TurnOptions) =>
        turn(input, { ...settings, maxBacklogBytes }) as never;
      return thread;
    },
    resumeThread: (...call) => codex.resumeThread(...call),
    thread: (...call) => codex.thread(...call),
    exec: codex.exec.bind(codex),
    files: codex.files,
  };
}

type Agent = ReturnType<HarnessStage["agent"]>;
type Session = Awaited<ReturnType<Agent["createSession"]>>;

/** Begins a turn, and suspends it when the host has read the first piece of a text. */
async function suspendedInText(agent: Agent, session: Session) {
  const { fullStream } = await agent.stream({ session, prompt: "Go" });
  let state: ReturnType<Session["suspendTurn"]> | undefined;
  for await (const { type } of fullStream) {
    if (type === "text-delta") state ??= session.suspendTurn();
  }
  if (!state) throw new Error("It has said nothing.");
  return stored(await state);
}

test("of a turn that says more than is kept while it is suspended, the next host is told so", async () => {
  const gate = reply.hold();
  const pieces = Array.from({ length: 5 }, () => "x".repeat(2_000));
  model.enqueue(reply.text(["Half ", gate, ...pieces]));
  const agent = stage.agent({ options: { codex: keeping(5_000) } });
  const session = await agent.createSession();
  const { sessionId } = session;
  const continueFrom = await suspendedInText(agent, session);
  gate.release();
  await untilIdle();
  const again = await agent.createSession({ sessionId, continueFrom });
  const rest = await partsIn(await agent.continueStream({ session: again }));
  expect(partOf(rest, "error")["error"]).toMatchObject({ code: "SLOW_CONSUMER" });
  expect(again.hasUnfinishedTurn()).toBe(false);
  model.enqueue(reply.text("On."));
  expect((await agent.generate({ session: again, prompt: "On" })).text).toBe("On.");
  await again.destroy();
});

test("a page is told that a text begins which the last host has read in part", async () => {
  const gate = reply.hold();
  model.enqueue(reply.text(["Half ", gate, "and whole."]));
  const agent = stage.agent();
  const session = await agent.createSession();
  const { sessionId } = session;
  const continueFrom = await suspendedInText(agent, session);
  const again = await agent.createSession({ sessionId, continueFrom });
  const result = await agent.continueStream({ session: again });
  gate.release();
  const { fullStream } = result as unknown as { fullStream: never };
  // Which a page reads, and fails with a text of which it knows no start.
  const stream = toUIMessageStream({ stream: fullStream });
  const messages: { readonly parts: readonly object[] }[] = [];
  for await (const message of readUIMessageStream({ stream })) messages.push(message);
  expect(messages.at(-1)?.parts).toContainEqual(
    expect.objectContaining({ type: "text", text: "and whole." }),
  );
  await again.destroy();
});
