import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, jest, test } from "@jest/globals";
import type { AppServerClient, Thread } from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { expectAtRest } from "../support/at-rest.js";
import { isAlive } from "../support/processes.js";
import { next, RealStage, rejection } from "../support/real.js";
import { WithholdingServer } from "../support/withholding-server.js";

let stage: RealStage;
let model: LoopbackModel;
let server: WithholdingServer;
let client: AppServerClient;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  server = await WithholdingServer.start(stage);
  client = server.client;
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await stage.close();
});
afterEach(() => {
  jest.useRealTimers();
});

/** From here on deadlines pass only when the test says so. */
function stopTheClock(): void {
  jest.useFakeTimers({
    doNotFake: ["nextTick", "setImmediate", "queueMicrotask", "performance", "Date"],
  });
}

/** The deadline of every request passes that was sent since the clock was stopped. */
function passDeadline(): void {
  jest.advanceTimersByTime(60_000);
  jest.useRealTimers();
}

async function startThread(): Promise<Thread> {
  return client.startThread({ cwd: stage.project });
}

/** The server has let go of its request to the model. */
async function whenAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, "abort");
}

const interruptedOn = (thread: Thread) =>
  next(
    client,
    "turn/completed",
    ({ threadId, turn }) => threadId === thread.id && turn.status === "interrupted",
  );

describe("what the server begins after the client has given up on the answer", () => {
  test.each(["runGoal", "goal.set"] as const)(
    "is a goal, which is paused, and its turn interrupted: %s",
    async (way) => {
      const thread = await startThread();
      model.enqueueFor(thread.id, reply.hang());
      const withheld = server.withholdAnswer("thread/goal/set");
      stopTheClock();
      const failure = rejection(
        way === "runGoal"
          ? thread.runGoal("Reach it").run()
          : thread.goal.set({ objective: "Reach it" }),
      );
      await withheld.reached;
      const asked = await model.nextRequest({ where: ({ threadId }) => threadId === thread.id });
      passDeadline();
      expect(await failure).toMatchObject({ code: "REQUEST_TIMEOUT" });
      const interrupted = interruptedOn(thread);
      withheld.release();
      await interrupted;
      await whenAborted(asked.signal);
      for (let goal = await thread.goal.get(); goal?.status !== "paused";) {
        await pause(50);
        goal = await thread.goal.get();
      }
      await expectAtRest(model, thread);
    },
  );

  test("is a turn, whose command does not run", async () => {
    const thread = await startThread();
    const gate = reply.hold();
    const file = path.join(stage.project, "by-the-turn");
    model.enqueueFor(thread.id, [gate, reply.shell(`touch ${file}`)]);
    const withheld = server.withholdAnswer("turn/start");
    stopTheClock();
    const failure = rejection(thread.run("Touch it", { sandbox: "danger-full-access" }));
    await withheld.reached;
    await gate.reached;
    passDeadline();
    const interrupted = interruptedOn(thread);
    expect(await failure).toMatchObject({ code: "REQUEST_TIMEOUT" });
    withheld.release();
    await interrupted;
    gate.release();
    await expectAtRest(model, thread);
    expect(existsSync(file)).toBe(false);
  });

  test("is queued input, whose turn is interrupted when it has begun", async () => {
    const thread = await startThread();
    model.enqueueFor(thread.id, reply.hang());
    const withheld = server.withholdAnswer("thread/queue/add");
    stopTheClock();
    const failure = rejection(thread.queue.add("Hi"));
    await withheld.reached;
    const asked = await model.nextRequest({ where: ({ threadId }) => threadId === thread.id });
    passDeadline();
    const interrupted = interruptedOn(thread);
    expect(await failure).toMatchObject({ code: "REQUEST_TIMEOUT" });
    withheld.release();
    await interrupted;
    await whenAborted(asked.signal);
    await expectAtRest(model, thread);
  });

  test("is a command, which is killed", async () => {
    const file = path.join(stage.project, "pid");
    const withheld = server.withholdAnswer("process/spawn");
    stopTheClock();
    const script = `echo $$ > ${file}.new; mv ${file}.new ${file}; exec sleep 600`;
    const failure = rejection(client.spawn(["sh", "-c", script], { cwd: stage.project }).exit);
    await withheld.reached;
    passDeadline();
    expect(await failure).toMatchObject({ code: "REQUEST_TIMEOUT" });
    withheld.release();
    // It may be killed before it has written anything.
    const exited = await Promise.race([
      next(client, "process/exited").then(() => true),
      pause(20_000, false, { ref: false }),
    ]);
    const pid = existsSync(file) ? Number(await readFile(file, "utf8")) : 0;
    expect([exited, pid !== 0 && isAlive(pid)]).toEqual([true, false]);
  });
});

describe("a turn that begins long after its answer, and cannot be stopped before", () => {
  test.each(["interrupt()", "a signal"])("is stopped when it begins: %s", async (way) => {
    const thread = await startThread();
    const gate = reply.hold();
    const file = path.join(stage.project, "by-the-late-turn");
    model.enqueueFor(thread.id, [gate, reply.shell(`touch ${file}`)]);
    const withheld = server.withholdFrom("thread/status/changed");
    const abort = new AbortController();
    const turn = thread.turn("Touch it", { sandbox: "danger-full-access", signal: abort.signal });
    await withheld.reached;
    await gate.reached;
    await turn.started;
    const run = turn.run().catch((reason: unknown) => reason);
    const stopping = way === "a signal" ? undefined : turn.interrupt();
    if (way === "a signal") abort.abort("enough");
    // More often than the server was believed at one time.
    while (withheld.refused() < 6) await pause(20);
    withheld.release();
    await stopping;
    expect(await run).toEqual(
      way === "a signal" ? "enough" : expect.objectContaining({ status: "interrupted" }),
    );
    gate.release();
    await expectAtRest(model, thread);
    expect(existsSync(file)).toBe(false);
  });
});
