import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import { existsSync } from "node:fs";
import path from "node:path";
import type { HarnessSource } from "../../../lib/ai/index.js";
import type { Codex } from "../../../lib/index.js";
import { reply, type LoopbackModel } from "../../../lib/testing/index.js";
import { addTool } from "../../support/ai-model.js";
import { rejection } from "../../support/real.js";
import { HarnessStage, partOf, partsIn, textOf, type SeenPart } from "./harness-stage.js";

let stage: HarnessStage;
let model: LoopbackModel;

beforeAll(async () => {
  stage = await HarnessStage.open();
  model = stage.model;
});
afterAll(() => stage.close());

const outputs = () => JSON.stringify(model.requests.at(-1)?.toolOutputs);
const answer = (part: SeenPart, approved: boolean) => ({
  toolApprovalContinuations: [
    { type: "tool-approval-response" as const, approvalId: String(part["approvalId"]), approved },
  ],
});
/** Stops the turn that runs, as another client of the server may. */
async function interrupt(): Promise<void> {
  const [running] = stage.codex.runningTurns;
  if (running?.turnId === undefined) throw new Error("There is no turn.");
  await stage.codex.thread(running.threadId).attachTurn({ id: running.turnId }).interrupt();
}
/** A state as it comes back from a database. */
const stored = <State>(state: State): State => JSON.parse(JSON.stringify(state)) as State;

async function untilIdle(codex: Codex = stage.codex): Promise<void> {
  while (codex.runningTurns.length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** The client of the stage, whose next thread waits to be started. */
function holdingStart() {
  const { codex } = stage;
  let reach: () => void = () => undefined;
  let release: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const released = new Promise<void>((resolve) => (release = resolve));
  const startThread: Codex["startThread"] = async (options) => {
    reach();
    await released;
    return codex.startThread(options);
  };
  const source: HarnessSource = {
    startThread,
    resumeThread: (...call) => codex.resumeThread(...call),
    thread: (...call) => codex.thread(...call),
    exec: codex.exec.bind(codex),
    files: codex.files,
  };
  return { source, reached, release };
}

describe("while a turn is being started", () => {
  test("destroying the session leaves no turn", async () => {
    const { source, reached, release } = holdingStart();
    const agent = stage.agent({ options: { codex: source } });
    const session = await agent.createSession();
    const asked = model.requests.length;
    const starting = rejection(agent.generate({ session, prompt: "Go" }));
    await reached;
    const destroying = session.destroy();
    release();
    await destroying;
    expect((await starting).message).toBe("The session was destroyed.");
    expect(stage.codex.runningTurns).toEqual([]);
    expect(model.requests.length).toBe(asked);
  });

  test("suspending it gives a state that the turn is found by", async () => {
    const { source, reached, release } = holdingStart();
    const gate = reply.hold();
    model.enqueue(reply.text(["All ", gate, "of it."]));
    const agent = stage.agent({ options: { codex: source } });
    const session = await agent.createSession();
    const starting = agent.stream({ session, prompt: "Go" });
    await reached;
    const suspending = session.suspendTurn();
    release();
    const first = await partsIn(await starting);
    const state = stored(await suspending);
    gate.release();
    const { sessionId } = session;
    const again = await agent.createSession({ sessionId, continueFrom: state });
    const rest = await partsIn(await agent.continueStream({ session: again }));
    expect(textOf([...first, ...rest])).toBe("All of it.");
    await again.destroy();
  });
});

describe("a session of a state", () => {
  test("stops its turn when it is destroyed before anybody goes on", async () => {
    const agent = stage.agent({ permissionMode: "allow-reads" });
    const session = await agent.createSession();
    model.enqueue(reply.shell("touch left"));
    await partsIn(await agent.stream({ session, prompt: "Go" }));
    const { sessionId } = session;
    const state = stored(await session.suspendTurn());
    const again = await agent.createSession({ sessionId, continueFrom: state });
    expect(stage.codex.runningTurns).toHaveLength(1);
    await again.destroy();
    expect(stage.codex.runningTurns).toEqual([]);
  });

  test.each(["allow-reads", "allow-edits"] as const)(
    "asks by its own mode, whatever that of the last one was: %s",
    async (permissionMode) => {
      const all = stage.agent();
      const session = await all.createSession();
      await all.generate({ session, prompt: "first" });
      const { sessionId } = session;
      const resumeFrom = stored(await session.detach());
      const agent = stage.agent({ permissionMode });
      const again = await agent.createSession({ sessionId, resumeFrom });
      model.enqueue(reply.shell("touch unasked"), reply.text("Not touched."));
      const parts = await partsIn(await agent.stream({ session: again, prompt: "second" }));
      const asked = partOf(parts, "tool-approval-request");
      expect(existsSync(path.join(stage.directoryOf(again), "unasked"))).toBe(false);
      await partsIn(await agent.continueStream({ session: again, ...answer(asked, false) }));
      await again.destroy();
    },
  );

  test("has its own filter of tools", async () => {
    const all = stage.agent();
    const session = await all.createSession();
    await all.generate({ session, prompt: "first" });
    const { sessionId } = session;
    const resumeFrom = stored(await session.detach());
    const agent = stage.agent({ inactiveTools: ["bash"] as never });
    const again = await agent.createSession({ sessionId, resumeFrom });
    await agent.generate({ session: again, prompt: "second" });
    expect((model.requests.at(-1)?.tools ?? []).map(({ name }) => name)).not.toContain(
      "exec_command",
    );
    await again.destroy();
  });

  test("has its own settings behind the turn that it went on with", async () => {
    const one = stage.real.codex();
    const agent = stage.agent({ codex: one, inactiveTools: ["bash"] as never });
    const session = await agent.createSession();
    const gate = reply.hold();
    model.enqueue(reply.text(["Half", gate]));
    const reading = partsIn(await agent.stream({ session, prompt: "Go" }));
    await gate.reached;
    const { sessionId } = session;
    const continueFrom = stored(await session.suspendTurn());
    await reading;
    await one.close();
    gate.release();
    const other = stage.agent({ codex: stage.real.codex(), inactiveTools: ["bash"] as never });
    const again = await other.createSession({ sessionId, continueFrom });
    await partsIn(await other.continueStream({ session: again }));
    await other.generate({ session: again, prompt: "second" });
    expect((model.requests.at(-1)?.tools ?? []).map(({ name }) => name)).not.toContain(
      "exec_command",
    );
    await again.destroy();
  });
});

describe("while the host is asked", () => {
  /** A session whose turn asks, on a client of its own, and what it asks. */
  async function asking(codex: Codex) {
    const agent = stage.agent({ codex, permissionMode: "allow-reads" });
    const session = await agent.createSession();
    model.enqueue(reply.shell("touch never"));
    const parts = await partsIn(await agent.stream({ session, prompt: "Go" }));
    return { agent, session, asked: partOf(parts, "tool-approval-request") };
  }

  test("the end of the server is told to whoever goes on", async () => {
    const others = new Set(await stage.real.processes());
    const codex = stage.real.codex();
    const { agent, session, asked } = await asking(codex);
    for (const pid of await stage.real.processes()) {
      if (!others.has(pid)) process.kill(pid, "SIGKILL");
    }
    await untilIdle(codex);
    const rest = await partsIn(await agent.continueStream({ session, ...answer(asked, true) }));
    expect(partOf(rest, "tool-error")).toMatchObject({ error: "The call was interrupted." });
    expect(partOf(rest, "error")["error"]).toMatchObject({ code: "TRANSPORT_CLOSED" });
    // The session goes on with a new server.
    model.enqueue(reply.text("On."));
    expect((await agent.generate({ session, prompt: "On" })).text).toBe("On.");
    await session.destroy();
  });

  test.each(["here", "by its state"])(
    "an interrupt is told to whoever goes on: %s",
    async (way) => {
      const { agent, session, asked } = await asking(stage.codex);
      await interrupt();
      await untilIdle();
      const { sessionId } = session;
      const next =
        way === "here"
          ? session
          : await agent.createSession({
              sessionId,
              continueFrom: stored(await session.suspendTurn()),
            });
      const { signal: abortSignal } = new AbortController();
      const given = { session: next, abortSignal, ...answer(asked, true) };
      const result = await agent.continueStream(given);
      const rest = await partsIn(result);
      expect(partOf(rest, "tool-error")).toMatchObject({ error: "The call was interrupted." });
      expect(partOf(rest, "finish")).toMatchObject({ rawFinishReason: "interrupted" });
      expect(next.hasUnfinishedTurn()).toBe(false);
      expect(getEventListeners(abortSignal, "abort")).toEqual([]);
      await next.destroy();
    },
  );

  test("a host that is asked once more has to answer in time, too", async () => {
    const agent = stage.agent({ permissionMode: "allow-reads", options: { answerTimeoutMs: 300 } });
    const session = await agent.createSession();
    model.enqueue(reply.shell("touch late"));
    await partsIn(await agent.stream({ session, prompt: "Go" }));
    await partsIn(await agent.continueStream({ session }));
    await untilIdle();
    expect(String(await rejection(agent.continueGenerate({ session })))).toMatch(/in time/);
    await session.destroy();
  });

  test.each(["detach", "stop"] as const)("%s leaves the turn, and destroy ends it", async (way) => {
    const { agent, session, asked } = await asking(stage.codex);
    const resumeFrom = stored(await session[way]());
    expect(stage.codex.runningTurns).toHaveLength(1);
    const { sessionId } = session;
    const again = await agent.createSession({ sessionId, resumeFrom });
    expect(await rejection(agent.generate({ session: again, prompt: "Other" }))).toBeDefined();
    const parts = await partsIn(await agent.continueStream({ session: again }));
    expect(partOf(parts, "tool-approval-request")["approvalId"]).toBe(asked["approvalId"]);
    await again.destroy();
    expect(stage.codex.runningTurns).toEqual([]);
  });

  test("an abort of the call that began the turn ends it", async () => {
    const agent = stage.agent({ permissionMode: "allow-reads" });
    const session = await agent.createSession();
    model.enqueue(reply.shell("touch never"));
    const aborting = new AbortController();
    const abortSignal = aborting.signal;
    await partsIn(await agent.stream({ session, prompt: "Go", abortSignal }));
    aborting.abort(new Error("no longer wanted"));
    await untilIdle();
    const rest = agent.continueGenerate({ session });
    expect((await rejection(rest)).message).toBe("no longer wanted");
    expect(getEventListeners(abortSignal, "abort")).toEqual([]);
    expect((await agent.generate({ session, prompt: "Next" })).finishReason).toBe("stop");
    await session.destroy();
  });
});

describe("while a host reads", () => {
  test("the end of the server is told, and the session goes on", async () => {
    const others = new Set(await stage.real.processes());
    const codex = stage.real.codex();
    const agent = stage.agent({ codex });
    const session = await agent.createSession();
    const gate = reply.hold();
    model.enqueue(reply.text(["Half", gate]));
    const reading = partsIn(await agent.stream({ session, prompt: "Go" }));
    await gate.reached;
    for (const pid of await stage.real.processes()) {
      if (!others.has(pid)) process.kill(pid, "SIGKILL");
    }
    const parts = await reading;
    gate.release();
    expect(textOf(parts)).toBe("Half");
    expect(partOf(parts, "error")["error"]).toMatchObject({ code: "TRANSPORT_CLOSED" });
    model.enqueue(reply.text("On."));
    expect((await agent.generate({ session, prompt: "On" })).text).toBe("On.");
    await session.destroy();
  });

  test("a command that runs is told as interrupted when its turn is", async () => {
    // Of one that has said something, that would be told.
    model.enqueue(reply.shell("sleep 60"));
    const agent = stage.agent();
    const session = await agent.createSession();
    const result = await agent.stream({ session, prompt: "Go" });
    const parts: SeenPart[] = [];
    for await (const part of result.fullStream as AsyncIterable<SeenPart>) {
      parts.push(part);
      if (part.type === "tool-call") await interrupt();
    }
    expect(partOf(parts, "tool-error")).toMatchObject({ error: "The call was interrupted." });
    expect(partOf(parts, "finish")).toMatchObject({ rawFinishReason: "interrupted" });
    await session.destroy();
  });

  test("another prompt is refused, and two sessions do not mix", async () => {
    const gates = [reply.hold(), reply.hold()] as const;
    model.respond((request) => {
      const said = JSON.stringify(request.input);
      const [gate, text] = said.includes("FIRST") ? [gates[0], "One."] : [gates[1], "Two."];
      return request.toolOutputs.length > 0
        ? reply.text([gate, text])
        : reply.functionCall("add", { a: text === "One." ? 1 : 2, b: 0 });
    });
    const seen: number[] = [];
    const add = addTool(({ a }) => seen.push(a));
    const agent = stage.agent({ tools: { add } as never });
    const sessions = [await agent.createSession(), await agent.createSession()] as const;
    const results = await Promise.all([
      agent.stream({ session: sessions[0], prompt: "FIRST" }),
      agent.stream({ session: sessions[1], prompt: "SECOND" }),
    ]);
    const readings = results.map((result) => partsIn(result));
    await Promise.all(gates.map((gate) => gate.reached));
    const second = await rejection(agent.generate({ session: sessions[0], prompt: "more" }));
    expect(second.message).toContain("already has a turn in progress");
    for (const gate of gates) gate.release();
    expect((await Promise.all(readings)).map(textOf)).toEqual(["One.", "Two."]);
    expect(seen.sort()).toEqual([1, 2]);
    model.respond(() => reply.text("Said."));
    await Promise.all(sessions.map((session) => session.destroy()));
  });
});

test("a turn that is suspended when all of it was told, and not read, goes on with its end", async () => {
  model.enqueue(reply.text("All."));
  let reach: () => void = () => undefined;
  let release: () => void = () => undefined;
  const reached = new Promise<void>((resolve) => (reach = resolve));
  const released = new Promise<void>((resolve) => (release = resolve));
  const agent = stage.agent({
    onStepEnd: async () => {
      reach();
      await released;
    },
  });
  const session = await agent.createSession();
  const reading = partsIn(await agent.stream({ session, prompt: "Go" }));
  await reached;
  await untilIdle();
  const suspending = session.suspendTurn();
  release();
  const continueFrom = stored(await suspending);
  const first = await reading;
  const { sessionId } = session;
  const again = await agent.createSession({ sessionId, continueFrom });
  const rest = await partsIn(await agent.continueStream({ session: again }));
  expect(partOf(rest, "finish")).toMatchObject({ finishReason: "stop" });
  expect(textOf([...first, ...rest])).toBe("All.");
  await again.destroy();
});

test("a state that is older than an unfinished turn of its thread is refused", async () => {
  const agent = stage.agent({ permissionMode: "allow-reads" });
  const session = await agent.createSession();
  await agent.generate({ session, prompt: "first" });
  const { sessionId } = session;
  const resumeFrom = stored(await session.detach());
  const one = await agent.createSession({ sessionId, resumeFrom });
  model.enqueue(reply.shell("touch one"), reply.text("One."));
  const asked = partOf(
    await partsIn(await agent.stream({ session: one, prompt: "second" })),
    "tool-approval-request",
  );
  const two = await rejection(agent.createSession({ sessionId, resumeFrom }));
  expect(two.message).toMatch(/not over/);
  await partsIn(await agent.continueStream({ session: one, ...answer(asked, true) }));
  expect(existsSync(path.join(stage.directoryOf(one), "one"))).toBe(true);
  await one.destroy();
});

test.each([
  ["nothing", () => undefined, /""/],
  ["what is no JSON", () => 7n, /BigInt/],
  ["much", () => "x".repeat(20_000_000), /xxx/],
])("a tool may return %s", async (_, execute, told) => {
  const add = addTool(execute);
  model.enqueue(reply.functionCall("add", { a: 1, b: 2 }), reply.text("Well."));
  const agent = stage.agent({ tools: { add } as never });
  const session = await agent.createSession();
  const parts = await partsIn(await agent.stream({ session, prompt: "Add" }));
  expect(textOf(parts)).toBe("Well.");
  expect(outputs()).toMatch(told);
  await session.destroy();
});
