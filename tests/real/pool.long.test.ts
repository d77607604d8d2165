import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { spawnSync } from "node:child_process";
import {
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  realpath,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Deferred } from "../../lib/async/deferred.js";
import { CodexPool, type CodexPoolOptions, type PoolStats } from "../../lib/fleet/index.js";
import { toProblem } from "../../lib/http/index.js";
import {
  defer,
  PoolFullError,
  TenantOptionsError,
  TransportClosedError,
  type Codex,
} from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { serverUnderTest } from "../support/raw-client.js";
import { RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let homes: string;
const pools: CodexPool[] = [];

beforeEach(async () => {
  stage = await RealStage.open();
  model = stage.model;
  homes = await realpath(await mkdtemp(path.join(tmpdir(), "pool-homes-")));
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
  await stage.close();
  await rm(homes, { recursive: true, force: true, maxRetries: 5 });
});

/** A pool of tenants, each with a home of its own, whose model is that of the stage. */
function poolOf(options: Omit<CodexPoolOptions, "optionsFor">): CodexPool {
  // However long the machine takes to end one server and to start another.
  const pool = new CodexPool({ optionsFor: (key) => tenant(key), waitMs: Infinity, ...options });
  pools.push(pool);
  return pool;
}

function tenant(key: string) {
  const { env, ...options } = stage.options();
  const own = { ...env, CODEX_HOME: undefined, CODEX_SQLITE_HOME: undefined };
  return { ...options, env: own, codexHome: path.join(homes, key) };
}

/** Resolves when the pool is in this state, of which it tells only when it is asked. */
async function untilStats(pool: CodexPool, expected: Partial<PoolStats>): Promise<void> {
  const isThere = (): boolean => {
    const stats = pool.stats();
    return Object.entries(expected).every(
      ([key, value]) => stats[key as keyof PoolStats] === value,
    );
  };
  while (!isThere()) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** A turn whose answer stops in the middle, until its gate is released. */
async function heldTurn(codex: Codex) {
  const thread = await codex.startThread();
  const gate = reply.hold();
  model.enqueueFor(thread.id, reply.text(["Half ", gate, "done."]));
  const turn = thread.turn("Begin");
  await gate.reached;
  return { thread, turn, gate };
}

test("five tenants live through two servers, each with its own threads and its own directory", async () => {
  const pool = poolOf({ maxServers: 2 });
  const keys = ["a", "b", "c", "d", "e"];
  const threads = await Promise.all(
    keys.map(async (key) => {
      const codex = await pool.get(key);
      const thread = await codex.startThread();
      expect(await thread.run(`I am ${key}`)).toMatchObject({ status: "completed" });
      return thread;
    }),
  );
  expect((await stage.processes()).length).toBeLessThanOrEqual(2);
  expect(pool.stats()).toMatchObject({ tenants: 5, waitingForServer: 0, turns: 0 });

  // Each handle works on, though its server was ended meanwhile.
  const again = await Promise.all(threads.map((thread) => thread.run("And now?")));
  expect(again.map(({ status }) => status)).toEqual(keys.map(() => "completed"));
  for (const [index, thread] of threads.entries()) {
    const key = keys[index] ?? "";
    const codex = await pool.get(key);
    expect((await codex.listThreads().all()).map(({ id }) => id)).toEqual([thread.id]);
    expect((await thread.turns().all()).length).toBe(2);
    const last = model.requests.filter(({ threadId }) => threadId === thread.id).at(-1);
    expect(JSON.stringify(last?.body)).toContain(`I am ${key}`);
  }
  expect((await readdir(homes)).sort()).toEqual(keys);
  expect([...pool].map(([key]) => key).sort()).toEqual(keys);
  await pool.close();
  expect(await stage.processes()).toEqual([]);
  expect(await rejection(pool.get("a"))).toMatchObject({ code: "HANDLE_CLOSED" });
}, 120_000);

test("each tenant has a login of its own", async () => {
  const pool = poolOf({ maxServers: 1 });
  const [a, b] = await Promise.all([pool.get("a"), pool.get("b")]);
  await a.login.apiKey("sk-of-tenant-a");
  await b.login.apiKey("sk-of-tenant-b");
  await a.login.apiKey("sk-of-tenant-a-2");
  const loginOf = (key: string) => readFile(path.join(homes, key, "auth.json"), "utf8");
  expect(await loginOf("a")).toContain('"sk-of-tenant-a-2"');
  expect(await loginOf("b")).toContain('"sk-of-tenant-b"');
  await a.logout();
  await expect(loginOf("a")).rejects.toMatchObject({ code: "ENOENT" });
  expect(await loginOf("b")).toContain('"sk-of-tenant-b"');
});

test("no server is ended in the middle of a turn, or while it waits for an answer", async () => {
  const pool = poolOf({ maxServers: 1, waitMs: Infinity });
  const [a, b] = await Promise.all([pool.get("a"), pool.get("b")]);
  const { thread, turn, gate } = await heldTurn(a);
  let answered = false;
  const models = b
    .models()
    .all()
    .then(() => (answered = true));
  await untilStats(pool, { waitingForServer: 1 });
  gate.release();
  expect(await turn.run()).toMatchObject({ status: "completed", finalResponse: "Half done." });
  await models;

  const asking = new Deferred<void>();
  model.enqueueFor(thread.id, reply.shell("touch it.txt"), reply.text("Done."));
  const asked = thread.turn("Ask", {
    approvalPolicy: "untrusted",
    sandbox: "read-only",
    onApproval: () => {
      asking.resolve();
      return defer();
    },
  });
  await asking.promise;
  answered = false;
  const later = b
    .models()
    .all()
    .then(() => (answered = true));
  await untilStats(pool, { waitingForServer: 1 });
  const [request] = a.pendingRequests();
  expect(answered).toBe(false);
  a.respond(request?.key ?? "", "decline");
  expect(await asked.run()).toMatchObject({ status: "completed" });
  await later;
  expect(await stage.processes()).toHaveLength(1);
});

test("a tenant whose server is killed loses its turn, and nobody else notices", async () => {
  const pool = poolOf({ maxServers: 2 });
  const [a, b] = await Promise.all([pool.get("a"), pool.get("b")]);
  const ofA = await heldTurn(a);
  const [pid = 0] = await stage.processes();
  const ofB = await heldTurn(b);
  process.kill(pid, "SIGKILL");
  expect(await rejection(ofA.turn.run())).toBeInstanceOf(TransportClosedError);
  ofA.gate.release();
  ofB.gate.release();
  expect(await ofB.turn.run()).toMatchObject({ finalResponse: "Half done." });
  expect(await ofA.thread.run("Again")).toMatchObject({ status: "completed" });
  expect(pool.stats()).toMatchObject({ servers: 2, turns: 0 });
  expect(b.currentStatus).toMatchObject({ state: "ready" });
});

test("what does not fit is refused with a 503: at once, after its time, or when its caller gives up", async () => {
  const pool = poolOf({ maxServers: 1, waitMs: 300, maxWaiting: 1 });
  const [a, b, c] = await Promise.all([pool.get("a"), pool.get("b"), pool.get("c")]);
  const { turn, gate } = await heldTurn(a);
  const late = rejection(b.models().all());
  await untilStats(pool, { waitingForServer: 1 });
  const refused = await rejection(c.models().all());
  expect(refused).toBeInstanceOf(PoolFullError);
  expect(refused).toMatchObject({ resource: "servers", waitedMs: 0, sent: false });
  expect(await late).toMatchObject({ code: "POOL_FULL", waitedMs: 300 });
  const { status, headers } = toProblem(refused);
  expect([status, headers["retry-after"]]).toEqual([503, "2"]);
  // A caller has limits of its own.
  const giveUp = new AbortController();
  const given = rejection(b.thread("t").run("Hi", { signal: giveUp.signal }));
  await untilStats(pool, { waitingForServer: 1 });
  giveUp.abort(new Error("enough"));
  expect((await given).message).toBe("enough");
  gate.release();
  await turn.run();
  // However long the machine takes to end it.
  expect(await a.suspend()).toBe(true);
  expect((await b.models().all()).length).toBeGreaterThan(0);
});

test("with waitMs: 0 an idle server makes room, and a busy one does not", async () => {
  const pool = poolOf({ maxServers: 1, waitMs: 0 });
  const [a, b] = await Promise.all([pool.get("a"), pool.get("b")]);
  await a.models();
  await b.models();
  const { turn, gate } = await heldTurn(a);
  expect(await rejection(b.models().all())).toMatchObject({ code: "POOL_FULL", waitedMs: 0 });
  gate.release();
  await turn.run();
  expect((await b.models().all()).length).toBeGreaterThan(0);
});

test("turns wait for each other, of one tenant and of all, and tenants take turns", async () => {
  const pool = poolOf({ maxServers: 2, maxTurns: 2, maxTurnsPerTenant: 1 });
  const [a, b] = await Promise.all([pool.get("a"), pool.get("b")]);
  const first = await heldTurn(a);
  const others = [await a.startThread(), await a.startThread()];
  const begun: string[] = [];
  const run = async (name: string, work: Promise<unknown>): Promise<void> => {
    await work;
    begun.push(name);
  };
  const waiting = others.map((thread, index) => run(`a${index}`, thread.run("Wait")));
  await untilStats(pool, { waitingForTurn: 2 });
  // The other tenant does not stand behind them.
  await run("b", (await b.startThread()).run("Go"));
  expect(begun).toEqual(["b"]);
  expect(pool.stats()).toMatchObject({ turns: 1, waitingForTurn: 2 });
  // One that waits can be stopped, and costs the others nothing.
  const stopped = (await a.startThread()).turn("Stop");
  await untilStats(pool, { waitingForTurn: 3 });
  await stopped.interrupt();
  expect(await stopped.run()).toMatchObject({ status: "interrupted", id: "" });
  first.gate.release();
  await Promise.all([first.turn.run(), ...waiting]);
  expect(begun).toEqual(["b", "a0", "a1"]);
  expect(pool.stats()).toMatchObject({ turns: 0, waitingForTurn: 0 });
});

test("a goal takes the place of a turn for as long as it lasts", async () => {
  const pool = poolOf({ maxServers: 2, maxTurns: 1 });
  const [a, b] = await Promise.all([pool.get("a"), pool.get("b")]);
  const { turn, gate } = await heldTurn(a);
  const thread = await b.startThread();
  const goal = thread.runGoal("Reach it");
  await untilStats(pool, { waitingForTurn: 1 });
  const held = reply.hold();
  model.enqueueFor(thread.id, reply.text(["Half ", held, "done."]));
  gate.release();
  await turn.run();
  await held.reached;
  expect(pool.stats()).toMatchObject({ turns: 1, waitingForTurn: 0 });
  const later = a.startThread().then((other) => other.run("Later"));
  await untilStats(pool, { waitingForTurn: 1 });
  await goal.interrupt();
  held.release();
  expect(await later).toMatchObject({ status: "completed" });
  await goal.run().catch(() => undefined);
});

test("servers that nobody uses end, and start again", async () => {
  const pool = poolOf({ maxServers: 2, idleMs: 200 });
  const codex = await pool.get("a");
  const thread = await codex.startThread();
  await thread.run("Begin");
  for await (const { state } of codex.status()) if (state === "idle") break;
  await untilStats(pool, { servers: 0 });
  expect(await stage.processes()).toEqual([]);
  expect(await thread.run("Again")).toMatchObject({ status: "completed" });
});

test("optionsFor may fail for one tenant, and is asked again; two may not share a directory", async () => {
  let attempts = 0;
  let databases: string | undefined;
  const pool = new CodexPool({
    maxServers: 1,
    optionsFor: async (key) => {
      await Promise.resolve();
      if (key === "unknown" && (attempts += 1) === 1) throw new Error("no such user");
      const options = tenant(key === "copy" ? "link" : key);
      return { ...options, env: { ...options.env, CODEX_SQLITE_HOME: databases } };
    },
  });
  pools.push(pool);
  await (await pool.get("a")).models();
  const failure = await rejection(pool.get("unknown"));
  expect(failure).toBeInstanceOf(TenantOptionsError);
  expect(failure.cause).toMatchObject({ message: "no such user" });
  const [one, two] = await Promise.all([pool.get("unknown"), pool.get("unknown")]);
  expect(one).toBe(two);
  expect(attempts).toBe(2);

  await symlink(path.join(homes, "a"), path.join(homes, "link"));
  const shared = await rejection(pool.get("copy"));
  expect(shared).toBeInstanceOf(TenantOptionsError);
  expect(shared.message).toMatch(/^optionsFor gave two tenants one server directory/);
  // Its databases would be another's, too.
  databases = path.join(homes, "b");
  await pool.get("b");
  expect(await rejection(pool.get("c"))).toBeInstanceOf(TenantOptionsError);
  databases = undefined;

  // A key that was removed leaves its directory to another.
  await pool.remove("a");
  await (await pool.get("copy")).models();
  expect(await rejection(pool.get("a"))).toBeInstanceOf(TenantOptionsError);
  expect(await rejection(pool.get(""))).toMatchObject({ code: "INVALID_ARGUMENT" });
});

test("a Codex that somebody has closed is replaced", async () => {
  const pool = poolOf({ maxServers: 1 });
  {
    await using codex = await pool.get("a");
    await codex.models();
  }
  const codex = await pool.get("a");
  expect((await codex.models().all()).length).toBeGreaterThan(0);
  expect(await stage.processes()).toHaveLength(1);
});

const namespaceTest = canMount() ? test : test.skip;

// Skipped where this user may not mount a file system of its own, not even in a namespace.
namespaceTest(
  "a full disk of one tenant costs itself its server, and nobody else anything",
  async () => {
    const home = path.join(homes, "full");
    await mkdir(home);
    const program = path.join(stage.project, "codex");
    const inside = `mount -t tmpfs -o size=64k tmpfs ${home} && exec ${serverUnderTest()} "$@"`;
    const script = `exec unshare --map-root-user --mount sh -c '${inside}' codex "$@"`;
    await writeFile(program, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const pool = new CodexPool({
      maxServers: 2,
      optionsFor: (key) => ({ ...tenant(key), ...(key === "full" && { codexPath: program }) }),
    });
    pools.push(pool);
    const [full, other] = await Promise.all([pool.get("full"), pool.get("other")]);
    const { turn, gate } = await heldTurn(other);
    for (let round = 0; round < 2; round += 1) {
      const error = await rejection(full.models().all());
      expect(error).toMatchObject({ code: "HANDSHAKE_FAILED" });
      expect(error.message).toContain("is on a disk that is full");
      expect(pool.stats()).toMatchObject({ servers: 1, waitingForServer: 0 });
    }
    gate.release();
    expect(await turn.run()).toMatchObject({ status: "completed", finalResponse: "Half done." });
    expect(full.currentStatus).toMatchObject({ state: "lost", mayRestart: true });
    expect(await readdir(home)).toEqual([]);
  },
);

test("close({ drainMs }) lets turns end, those that wait included", async () => {
  const pool = poolOf({ maxServers: 2, maxTurns: 1 });
  const [a, b] = await Promise.all([pool.get("a"), pool.get("b")]);
  const { turn, gate } = await heldTurn(a);
  const thread = await b.startThread();
  const waiting = thread.run("Wait");
  await untilStats(pool, { waitingForTurn: 1 });
  const closing = pool.close({ drainMs: Infinity });
  gate.release();
  expect(await turn.run()).toMatchObject({ status: "completed" });
  expect(await waiting).toMatchObject({ status: "completed" });
  await closing;
  expect(await stage.processes()).toEqual([]);
});

/** Whether a file system can be mounted where nobody else sees it. */
function canMount(): boolean {
  const mount = "mount -t tmpfs -o size=64k tmpfs /mnt";
  return spawnSync("unshare", ["--map-root-user", "--mount", "sh", "-c", mount]).status === 0;
}
