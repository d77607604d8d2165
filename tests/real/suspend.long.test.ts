import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Deferred } from "../../lib/async/deferred.js";
import { defer, defineTool, type Codex, type CodexStatus } from "../../lib/index.js";
import { health } from "../../lib/http/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { collect } from "../support/collect.js";
import { LoginServer } from "../support/login-server.js";
import { startRealtimeServer } from "../support/realtime-server.js";
import { RealStage } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;

beforeEach(async () => {
  stage = await RealStage.open();
  model = stage.model;
});
afterEach(() => stage.close());

/** Resolves when the server of `codex` was ended for idleness. */
async function untilIdle(codex: Codex): Promise<void> {
  for await (const { state } of codex.status()) if (state === "idle") return;
}

/** A thread with a turn, which the server could load again. */
async function usedThread(codex: Codex) {
  const thread = await codex.startThread();
  await thread.run("Remember the word heliotrope.");
  return thread;
}

test("a server that nobody asks for anything ends, and the next call has all that it had", async () => {
  const codex = stage.codex({ idleShutdownMs: 300 });
  const asked: string[] = [];
  const called: string[] = [];
  const weather = defineTool({
    name: "weather",
    description: "Tells the weather",
    input: { type: "object", properties: {} },
    execute: () => {
      called.push("weather");
      return "Rain.";
    },
  });
  const started: string[] = [];
  codex.on("turn/started", ({ params }) => void started.push(params.turn.id));
  const thread = await codex.startThread({
    sandbox: "read-only",
    approvalPolicy: "untrusted",
    tools: [weather],
    onApproval: ({ type }) => {
      asked.push(type);
      return "accept";
    },
  });
  const first = await thread.run("Remember the word heliotrope.");

  await untilIdle(codex);
  expect(await stage.processes()).toEqual([]);
  expect(health(codex)).toMatchObject({ status: 200, body: { health: "ok", state: "idle" } });

  model.enqueueFor(
    thread.id,
    reply.functionCall("weather", {}),
    reply.shell("touch heliotrope.txt"),
    reply.text("Second."),
  );
  const second = await thread.run("Which word?");
  expect(second).toMatchObject({ status: "completed", finalResponse: "Second." });
  expect([called, asked]).toEqual([["weather"], ["command"]]);
  expect(started).toEqual([first.id, second.id]);
  const last = JSON.stringify(model.requests.at(-1)?.body);
  expect(last).toContain("heliotrope");
  expect(last).toContain("read-only");
  await untilIdle(codex);
  expect(await stage.processes()).toEqual([]);
});

test("suspend() ends the server at once, and says whether it did", async () => {
  const codex = stage.codex();
  expect(await codex.suspend()).toBe(true);
  const states: CodexStatus["state"][] = [];
  const told = (async () => {
    for await (const { state } of codex.status()) states.push(state);
  })();
  const thread = await usedThread(codex);
  expect(await Promise.all([codex.suspend(), codex.suspend()])).toEqual([true, true]);
  expect(await stage.processes()).toEqual([]);
  expect(await thread.run("Again")).toMatchObject({ status: "completed" });
  await codex.close();
  await told;
  expect(states).toEqual(["idle", "starting", "ready", "idle", "starting", "ready", "closed"]);
});

test("what is alive keeps the server, and goes on", async () => {
  const codex = stage.codex();
  const gate = reply.hold();
  const running = await codex.startThread();
  model.enqueueFor(running.id, reply.text(["Half ", gate, "done."]));
  const turn = running.turn("Begin");
  await gate.reached;
  expect(await codex.suspend()).toBe(false);
  gate.release();
  await turn.run();

  const asking = new Deferred<void>();
  model.enqueueFor(running.id, reply.shell("touch it.txt"));
  const waiting = running.turn("Ask", {
    approvalPolicy: "untrusted",
    onApproval: () => {
      asking.resolve();
      return defer();
    },
  });
  await asking.promise;
  expect(await codex.suspend()).toBe(false);
  await waiting.interrupt();
  await waiting.run();

  const endless = ["sh", "-c", "echo ready; sleep 300"];
  const command = codex.exec(endless);
  await command.stdout.lines().next();
  expect(await codex.suspend()).toBe(false);
  await command.terminate();
  await command.exit.catch(() => undefined);

  const spawned = codex.spawn(endless, { cwd: stage.project });
  await spawned.stdout.lines().next();
  expect(await codex.suspend()).toBe(false);
  await spawned.terminate();
  await spawned.exit.catch(() => undefined);

  const watch = codex.watch(stage.project);
  await watch.ready;
  expect(await codex.suspend()).toBe(false);
  await watch.close();

  const client = await codex.client();
  const notifications = client.notifications();
  expect(await codex.suspend()).toBe(false);
  await notifications.return?.();

  const unsolicited = running.unsolicitedTurns();
  void unsolicited.next();
  await running.turns();
  expect(await codex.suspend()).toBe(false);
  await unsolicited.return?.();

  model.enqueueFor(
    running.id,
    reply.shell("sleep 300", { yieldTimeMs: 250 }),
    reply.text("It runs."),
  );
  await running.run("Start it", { approvalPolicy: "never" });
  expect(await codex.suspend()).toBe(false);
  await running.terminals.clean();
  expect(await codex.suspend()).toBe(true);
});

test("a thread that the server could not load again keeps it", async () => {
  const codex = stage.codex();
  const empty = await codex.startThread();
  expect(await codex.suspend()).toBe(false);
  await empty.run("Begin");
  const ephemeral = await codex.startThread({ ephemeral: true });
  await ephemeral.run("Begin");
  expect(await codex.suspend()).toBe(false);
  expect(await ephemeral.run("Go on")).toMatchObject({ status: "completed" });
});

test("a process that was started by hand keeps the server, since nothing tells when it ends", async () => {
  const codex = stage.codex();
  const command = ["sleep", "300"];
  await codex.rpc.process.spawn({ command, cwd: stage.project, processHandle: "by hand" });
  expect(await codex.suspend()).toBe(false);
  await codex.rpc.process.kill({ processHandle: "by hand" });
  expect(await codex.suspend()).toBe(false);
});

test("a turn runs on that its client has let go of", async () => {
  const codex = stage.codex();
  const thread = await codex.startThread();
  const gate = reply.hold();
  model.enqueueFor(thread.id, reply.text(["Half ", gate, "done."]));
  const turn = thread.turn("Begin");
  await gate.reached;
  await codex.rpc.thread.unsubscribe({ threadId: thread.id });
  await turn.run().catch(() => undefined);
  expect(codex.runningTurns).toEqual([]);
  expect(await codex.suspend()).toBe(false);
  gate.release();
});

test("a voice session keeps the server", async () => {
  await using voice = await startRealtimeServer();
  const config = { experimental_realtime_ws_base_url: voice.url };
  await using own = await RealStage.open({ config });
  const codex = own.codex();
  await codex.login.apiKey("sk-of-nobody");
  const { id: threadId } = await usedThread(codex);
  const begun = new Deferred<void>();
  const ended = new Deferred<void>();
  codex.on("thread/realtime/started", () => {
    begun.resolve();
  });
  codex.on("thread/realtime/closed", () => {
    ended.resolve();
  });
  await codex.rpc.thread.realtime.start({ threadId, outputModality: "text" });
  await begun.promise;
  expect(await codex.suspend()).toBe(false);
  await codex.rpc.thread.realtime.stop({ threadId });
  await ended.promise;
  expect(await codex.suspend()).toBe(true);
});

test("a login keeps the server until it is over", async () => {
  await using login = await LoginServer.open();
  const { env = {}, config = {} } = login.overrides();
  await using own = await RealStage.open({ env, config });
  const codex = own.codex();
  const attempt = await codex.login.deviceCode();
  expect(await codex.suspend()).toBe(false);
  await attempt.cancel();
  await attempt.wait().catch(() => undefined);
  expect(await codex.suspend()).toBe(true);
});

test("a goal keeps the server between two turns, and reaches its end", async () => {
  const codex = stage.codex();
  const thread = await usedThread(codex);
  const suspensions: Promise<boolean>[] = [];
  codex.on("turn/completed", () => void suspensions.push(codex.suspend()));
  model.enqueueFor(
    thread.id,
    ...[reply.text("One."), reply.text("Two.")],
    ...[reply.updateGoal("complete"), reply.text("Reached.")],
  );
  expect(await thread.runGoal("Reach it").run()).toMatchObject({ status: "complete" });
  const [first, second] = await Promise.all(suspensions);
  expect([first, second]).toEqual([false, false]);
  expect(await codex.suspend()).toBe(true);
});

test("calls that come while the server is being suspended are all answered", async () => {
  const codex = stage.codex();
  const thread = await usedThread(codex);
  for (let round = 0; round < 8; round += 1) {
    const suspending = codex.suspend();
    // At another stage of it each time.
    for (let i = 0; i < round; i += 1) await new Promise((resolve) => setImmediate(resolve));
    const calls = [codex.models(), thread.turns(), codex.account()];
    await Promise.all(calls);
    await suspending;
    const [, result] = await Promise.all([codex.suspend(), thread.run(`Round ${round}`)]);
    expect(result).toMatchObject({ status: "completed" });
    expect((await stage.processes()).length).toBeLessThanOrEqual(1);
  }
  expect(await codex.suspend()).toBe(true);
  await Promise.all([codex.models(), codex.close()]).catch(() => undefined);
  expect(await stage.processes()).toEqual([]);
});

test("close() waits for a server that is being suspended", async () => {
  const codex = stage.codex();
  await usedThread(codex);
  const suspending = codex.suspend();
  await new Promise((resolve) => setImmediate(resolve));
  await codex.close();
  await suspending;
  expect(await stage.processes()).toEqual([]);
  expect(await collect(codex.status())).toEqual([{ state: "closed" }]);
});
