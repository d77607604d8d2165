import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { SandboxPolicy } from "../../generated/types.js";
import { SandboxWidenedError, type AppServerClient, type Codex } from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { ListeningServer } from "../support/listening-server.js";
import { nextOutage } from "../support/outage.js";
import { RealStage, rejection } from "../support/real.js";

/** What "workspace-write" is by default. The stage's configuration has no sandbox at all. */
const workspace = {
  type: "workspaceWrite",
  writableRoots: [],
  networkAccess: false,
  excludeTmpdirEnvVar: false,
  excludeSlashTmp: false,
} as const;
/** No name stands for this one. */
const special: SandboxPolicy = {
  type: "workspaceWrite",
  writableRoots: ["/opt/shared"],
  networkAccess: true,
  excludeTmpdirEnvVar: true,
  excludeSlashTmp: true,
};
/** No request that loads a thread can name this one. */
const external: SandboxPolicy = { type: "externalSandbox", networkAccess: "restricted" };

let stage: RealStage;
let codex: Codex;

beforeEach(async () => {
  stage = await RealStage.open({ config: { thread_unload_delay_secs: 0 } });
  stage.model.respond(() => reply.text("Done."));
  codex = stage.codex();
});
afterEach(() => stage.close());

/** The thread is loaded here, so this changes nothing, and tells what holds. */
async function sandboxOf(client: AppServerClient, threadId: string): Promise<SandboxPolicy> {
  return (await client.request("thread/resume", { threadId, excludeTurns: true })).sandbox;
}

async function killServer(): Promise<void> {
  const { signal } = await codex.client();
  const ended = new Promise((resolve) => {
    signal.addEventListener("abort", resolve);
  });
  const [pid] = await stage.processes();
  process.kill(pid ?? 0, "SIGKILL");
  await ended;
}

test("the server does not store the sandbox, so this is about something", async () => {
  const thread = await codex.startThread({ sandbox: "workspace-write" });
  await thread.run("Hi");
  await killServer();
  const client = await codex.client();
  expect(await sandboxOf(client, thread.id)).toEqual({ type: "dangerFullAccess" });
});

describe("a thread has its sandbox still", () => {
  test.each(["workspace-write", "read-only"] as const)(
    "when the server was killed and its next turn resumes it: %s",
    async (sandbox) => {
      const thread = await codex.startThread({ sandbox });
      await thread.run("Hi");
      await killServer();
      await thread.run("And now?");
      const holds = await sandboxOf(await codex.client(), thread.id);
      expect(holds).toEqual(
        sandbox === "read-only" ? { type: "readOnly", networkAccess: false } : workspace,
      );
    },
  );

  test("as a turn has set it, with all that makes it up, for a new handle too", async () => {
    const thread = await codex.startThread();
    await thread.run("Hi", { sandbox: special });
    await killServer();
    await codex.thread(thread.id).run("And now?");
    expect(await sandboxOf(await codex.client(), thread.id)).toEqual(special);
  });

  test("in an external one", async () => {
    const thread = await codex.startThread();
    await thread.run("Hi", { sandbox: external });
    await killServer();
    await thread.run("And now?");
    expect(await sandboxOf(await codex.client(), thread.id)).toEqual(external);
  });

  test("when it was unsubscribed from and unloaded", async () => {
    const thread = await codex.startThread({ sandbox: "workspace-write" });
    await thread.run("Hi");
    await thread.unsubscribe();
    await thread.run("And now?");
    expect(await sandboxOf(await codex.client(), thread.id)).toEqual(workspace);
  });

  test("when resumeThread changes something else, and another one when it says so", async () => {
    const { id, run } = await ranThread();
    expect((await codex.resumeThread(id)).opened?.sandbox).toEqual(workspace);
    const changed = await codex.resumeThread(id, {
      model: "other",
      config: { web_search: "disabled" },
    });
    expect(changed.opened).toMatchObject({ model: "other", sandbox: workspace });
    await run();
    const free = await codex.resumeThread(id, { sandbox: "danger-full-access" });
    expect(free.opened?.sandbox).toEqual({ type: "dangerFullAccess" });
    const configured = await codex.resumeThread(id, { config: { sandbox_mode: "read-only" } });
    expect(configured.opened?.sandbox).toMatchObject({ type: "readOnly" });
  });

  test("as a copy, made of a loaded thread or of one that is not", async () => {
    const { thread, run } = await ranThread();
    const copy = await thread.fork();
    expect(copy.opened?.sandbox).toEqual(workspace);
    expect(await sandboxOf(await codex.client(), copy.id)).toEqual(workspace);
    await killServer();
    expect((await codex.forkThread(thread.id)).opened?.sandbox).toEqual(workspace);
    expect((await thread.fork({ sandbox: "read-only" })).opened?.sandbox).toMatchObject({
      type: "readOnly",
    });
    await run();
  });

  test("when a socket drops and the server is another process", async () => {
    await using server = await ListeningServer.start(stage);
    const client = await server.connect({ reconnect: { minDelayMs: 10, retries: Infinity } });
    const thread = await client.startThread({ sandbox: "workspace-write" });
    await thread.run("Hi");
    const { restored } = nextOutage(client);
    await server.restart();
    await restored;
    expect(await sandboxOf(client, thread.id)).toEqual(workspace);
  });

  async function ranThread() {
    const thread = await codex.startThread({ sandbox: "workspace-write" });
    const run = () => thread.run("Hi");
    await run();
    return { id: thread.id, thread, run };
  }
});

test("the writable roots of the configuration are added to its own, as they always are", async () => {
  await stage.close();
  const sandbox_workspace_write = { writable_roots: ["/srv"], network_access: true };
  stage = await RealStage.open({ config: { sandbox_workspace_write } });
  stage.model.respond(() => reply.text("Done."));
  codex = stage.codex();
  const thread = await codex.startThread();
  await thread.run("Hi", { sandbox: special });
  const before = await sandboxOf(await codex.client(), thread.id);
  expect(before).toEqual({ ...special, writableRoots: ["/srv", "/opt/shared"] });
  await killServer();
  await thread.run("And now?");
  expect(await sandboxOf(await codex.client(), thread.id)).toEqual(before);
});

test("no turn starts where the sandbox cannot be had again: without experimental methods", async () => {
  codex = stage.codex({ experimentalApi: false });
  const thread = await codex.startThread();
  await thread.run("Hi", { sandbox: external });
  await killServer();
  const asked = stage.model.requests.length;
  const run = () => thread.run("And now?");
  for (const attempt of [run, run, () => thread.fork()]) {
    const error = await rejection(attempt());
    expect(error).toBeInstanceOf(SandboxWidenedError);
    expect(error).toMatchObject({ code: "SANDBOX_WIDENED", cause: { code: "EXPERIMENTAL_API" } });
  }
  expect(stage.model.requests).toHaveLength(asked);
  await codex.resumeThread(thread.id, { sandbox: "read-only" });
  expect(await thread.run("Now?")).toMatchObject({ finalResponse: "Done." });
});
