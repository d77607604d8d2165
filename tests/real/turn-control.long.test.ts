import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import {
  TurnNotStartedError,
  TurnTimeoutError,
  type Codex,
  type Thread,
  type Turn,
  type TurnEvent,
} from "../../lib/index.js";
import { reply, type HoldPart, type LoopbackModel } from "../../lib/testing/index.js";
import { withGrowingLimit } from "../support/growing-limit.js";
import { steersCut, testWhere } from "../support/offers.js";
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

const cutTest = await testWhere("a steer that cuts the message", steersCut);

/** A thread whose next turn says "Half of", stops at the gate, and then says "a sentence.". */
async function heldThread(): Promise<{ thread: Thread; gate: HoldPart }> {
  const thread = await codex.startThread();
  const gate = reply.hold();
  model.enqueueFor(thread.id, reply.text(["Half of ", gate, "a sentence."]));
  return { thread, gate };
}

/** Reads until the model's first words are there. */
async function untilText(turn: Turn): Promise<AsyncIterator<TurnEvent>> {
  const events = turn.stream();
  for (;;) {
    const { value, done } = await events.next();
    if (done) throw new Error("the turn ended");
    if (value.method === "item/agentMessage/delta") return events;
  }
}

async function expectUsable(thread: Thread): Promise<void> {
  await expect(thread.run("Go on")).resolves.toMatchObject({ status: "completed" });
}

describe("interrupting a turn", () => {
  test("while it streams ends it, with what was streamed so far", async () => {
    const { thread, gate } = await heldThread();
    const turn = thread.turn("Talk");
    const events = await untilText(turn);
    await Promise.all([turn.interrupt(), turn.interrupt()]);
    const result = await turn.run();
    expect(result).toMatchObject({ status: "interrupted", error: null, finalResponse: null });
    expect(result.items.at(-1)).toMatchObject({ type: "agentMessage", text: "Half of " });
    let last: unknown;
    for (let step = await events.next(); !step.done; step = await events.next()) last = step.value;
    expect(last).toMatchObject({ method: "turn/completed" });
    await turn.interrupt();
    gate.release();
    await expectUsable(thread);
  });

  test("at once, before the server says that it runs, always ends it", async () => {
    const thread = await codex.startThread();
    await thread.run("Hi");
    model.respond((request) => (request.threadId === thread.id ? reply.hang() : undefined));
    for (let round = 0; round < 10; round += 1) {
      const turn = thread.turn("Talk");
      // In every other round, at the moment when the server would refuse and run on.
      if (round % 2 === 1) await turn.started;
      await turn.interrupt();
      const { status } = await turn.run();
      expect([round, status]).toEqual([round, "interrupted"]);
    }
    model.respond(undefined);
    await expectUsable(thread);
  });

  test("that waits for its thread never sends it", async () => {
    const { thread, gate } = await heldThread();
    const running = thread.turn("Talk");
    const waiting = thread.turn("Never sent");
    await gate.reached;
    await waiting.interrupt();
    expect(await waiting.run()).toMatchObject({ id: "", status: "interrupted", items: [] });
    expect(await rejection(waiting.started)).toBeInstanceOf(TurnNotStartedError);
    gate.release();
    expect(await running.run()).toMatchObject({ finalResponse: "Half of a sentence." });
    await expectUsable(thread);
    const asked = model.requests.filter(({ threadId }) => threadId === thread.id);
    expect(JSON.stringify(asked.map(({ input }) => input))).not.toContain("Never sent");
  });

  test("closes the command that it runs as failed", async () => {
    const thread = await codex.startThread();
    model.enqueueFor(thread.id, reply.shell("echo $$; read line", { tty: true }));
    const turn = thread.turn("Run");
    for await (const event of turn) {
      if (event.method === "item/started" && event.params.item.type === "commandExecution") break;
    }
    const { status, items } = await turn.run();
    expect(status).toBe("interrupted");
    expect(items.at(-1)).toMatchObject({ type: "commandExecution", status: "failed" });
    await expectUsable(thread);
  });
});

describe("an abort signal", () => {
  const reason = new Error("the user left");

  test("that is aborted already keeps the turn from being sent", async () => {
    const thread = await codex.startThread();
    const turn = thread.turn("Never sent", { signal: AbortSignal.abort(reason) });
    await expect(turn.run()).rejects.toBe(reason);
    await expect(turn.started).rejects.toBe(reason);
    await expect(thread.run("Hi")).resolves.toMatchObject({ status: "completed" });
    const asked = model.requests.filter(({ threadId }) => threadId === thread.id);
    expect(asked.map(({ lastUserText }) => lastUserText)).toEqual(["Hi"]);
  });

  test.each(["at once", "while it streams", "while it waits for its thread"])(
    "stops the turn %s, and leaves no listener",
    async (moment) => {
      const { thread, gate } = await heldThread();
      const { signal, abort } = controller();
      const before = moment.includes("waits") ? thread.turn("Talk") : undefined;
      if (before) await gate.reached;
      const turn = thread.turn("Talk", { signal });
      expect(getEventListeners(signal, "abort")).toHaveLength(1);
      const iterating = (async () => {
        for await (const event of turn) {
          if (event.method === "item/agentMessage/delta") abort(reason);
        }
      })();
      if (!moment.includes("streams")) abort(reason);
      await expect(iterating).rejects.toBe(reason);
      await expect(turn.run()).rejects.toBe(reason);
      expect(getEventListeners(signal, "abort")).toHaveLength(0);
      gate.release();
      if (before) expect(await before.run()).toMatchObject({ status: "completed" });
      await expectUsable(thread);
    },
  );

  test("that never aborts leaves no listener after success and failure", async () => {
    const thread = await codex.startThread();
    const { signal } = controller();
    model.enqueueFor(thread.id, reply.text("Fine."), reply.http(500));
    await thread.run("Hi", { signal });
    await rejection(thread.run("Hi", { signal }));
    await rejection(codex.thread("no such id").run("Hi", { signal }));
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });
});

describe("a time limit", () => {
  test("ends a turn whose model says nothing, with what it did so far", async () => {
    const { thread, error } = await withGrowingLimit(
      async (timeoutMs) => {
        const thread = await codex.startThread();
        model.enqueueFor(thread.id, [reply.text("Half."), reply.hang()]);
        const error = await rejection(thread.run("Talk", { timeoutMs }));
        if (!(error instanceof TurnTimeoutError)) throw error;
        expect(error).toMatchObject({ timeoutMs, result: { threadId: thread.id } });
        return { thread, error };
      },
      ({ error }) => error.result.items.length > 1,
    );
    expect(error.result.items).toMatchObject([
      { type: "userMessage" },
      { type: "agentMessage", text: "Half." },
    ]);
    await expectUsable(thread);
  });

  test("covers the wait for the thread", async () => {
    const { thread, gate } = await heldThread();
    const running = thread.turn("Talk");
    const error = await rejection(thread.run("Never sent", { timeoutMs: 100 }));
    expect(error).toBeInstanceOf(TurnTimeoutError);
    gate.release();
    expect(await running.run()).toMatchObject({ status: "completed" });
    await expectUsable(thread);
  });
});

describe("leaving the loop early", () => {
  test("interrupts the turn, and the thread is free at once", async () => {
    const { thread } = await heldThread();
    const { signal } = controller();
    const turn = thread.turn("Talk", { signal });
    for await (const { method } of turn) if (method === "item/agentMessage/delta") break;
    await expect(thread.run("Now", { whenBusy: "reject" })).resolves.toMatchObject({
      status: "completed",
    });
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test("by an exception, or by the end of a text stream's loop, interrupts it too", async () => {
    const throwing = await heldThread();
    const first = throwing.thread.turn("Talk");
    const failure = new Error("the consumer failed");
    const consuming = (async () => {
      for await (const { method } of first) {
        if (method === "item/agentMessage/delta") throw failure;
      }
    })();
    await expect(consuming).rejects.toBe(failure);
    expect(await first.run()).toMatchObject({ status: "interrupted" });

    const reading = await heldThread();
    const second = reading.thread.turn("Talk");
    for await (const piece of second.textStream()) if (piece === "Half of ") break;
    expect(await second.run()).toMatchObject({ status: "interrupted" });
  });

  test('with onBreak: "detach" lets the turn run on', async () => {
    const { thread, gate } = await heldThread();
    const turn = thread.turn("Talk", { onBreak: "detach" });
    for await (const { method } of turn) if (method === "item/agentMessage/delta") break;
    gate.release();
    expect(await turn.run()).toMatchObject({
      status: "completed",
      finalResponse: "Half of a sentence.",
    });
  });

  test("at the end of an `await using` block interrupts the turn as well", async () => {
    const { thread, gate } = await heldThread();
    let turn: Turn;
    {
      await using inside = thread.turn("Talk");
      turn = inside;
      await gate.reached;
    }
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
    await expectUsable(thread);
  });
});

describe("steering a turn", () => {
  cutTest(
    "cuts the message that streams, and the answer takes the new input into account",
    async () => {
      const { thread } = await heldThread();
      const turn = thread.turn("Talk");
      const events = await untilText(turn);
      model.enqueueFor(thread.id, reply.text("Something else."));
      expect(await turn.steer(["Something else, ", "please."])).toBe(turn.id);
      const started: string[] = [];
      for (let step = await events.next(); !step.done; step = await events.next()) {
        if (step.value.method === "item/started") started.push(step.value.params.item.type);
      }
      expect(started).toEqual(["userMessage", "agentMessage"]);

      const result = await turn.run();
      expect(result).toMatchObject({ status: "completed", finalResponse: "Something else." });
      expect(result.items).toMatchObject([
        { type: "userMessage", content: [{ text: "Talk" }] },
        { type: "agentMessage", text: "Half of " },
        { type: "userMessage", content: [{ text: "Something else, " }, { text: "please." }] },
        { type: "agentMessage", text: "Something else." },
      ]);
      expect(model.requests.at(-1)?.lastUserText).toBe("Something else, please.");
    },
  );

  test("before it is known to run waits for it", async () => {
    const thread = await codex.startThread();
    const gate = reply.hold();
    model.enqueueFor(thread.id, reply.text(["Held.", gate]), reply.text("Steered."));
    const turn = thread.turn("Talk");
    await turn.steer("At once");
    gate.release(); // Older servers let the message end.
    expect(await turn.run()).toMatchObject({ status: "completed" });
    expect(model.requests.at(-1)?.lastUserText).toBe("At once");
  });
});

function controller(): { signal: AbortSignal; abort: (reason: unknown) => void } {
  const made = new AbortController();
  return {
    signal: made.signal,
    abort: (reason) => {
      made.abort(reason);
    },
  };
}
