import { beforeEach, afterEach, describe, expect, test } from "@jest/globals";
import type { SandboxPolicy } from "../../../../generated/types.js";
import {
  SandboxWidenedError,
  type AppServerClient,
  type ConnectionSettings,
  type Thread,
  type TurnOptions,
} from "../../../../lib/index.js";
import {
  later,
  linkedThread,
  ResponseError,
  type LinkedServer,
} from "../../../support/linked-server.js";
import { rejection } from "../../../support/real.js";
import { opened, turnCompleted, turnRecord, turnStarted } from "../../../support/turn-messages.js";

const workspace = { type: "workspaceWrite", networkAccess: false };
const wide = { type: "dangerFullAccess" };

let server: LinkedServer;
let thread: Thread;
let client: AppServerClient;
let close: () => Promise<void>;

beforeEach(() => open());
afterEach(() => close());

async function open(options?: ConnectionSettings): Promise<void> {
  const pair = await linkedThread(options);
  ({ client, server, thread } = pair);
  close = () => pair.client.close();
}

/** Resolves when the client has learnt of it. */
async function settingsUpdated(sandboxPolicy: unknown, more: object = {}): Promise<void> {
  const threadSettings = { sandboxPolicy, ...more };
  server.notify("thread/settings/updated", { threadId: thread.id, threadSettings });
  await thread.read();
}

/** Runs a turn to its end, or begins one more, which joins it, before that. */
async function runTurn(options: TurnOptions, joining?: TurnOptions): Promise<void> {
  const turn = thread.turn("Hi", options);
  const ids = { threadId: thread.id, turnId: (await turn.started).id };
  server.send(turnStarted(ids));
  await thread.read();
  server.handle("turn/start", () => ({ turn: turnRecord(ids.turnId) }));
  if (joining) await thread.turn("And", { ...joining, whenBusy: "steer" }).started;
  server.send(turnCompleted(ids));
  await turn.run();
}

/** From now on the server opens threads under `sandbox`, until it is told another one. */
function opensUnder(sandbox: unknown): void {
  let holds = sandbox;
  server.handle("thread/resume", ({ threadId }) => ({
    ...opened(threadId as string),
    sandbox: holds,
  }));
  const update = server.handler("thread/settings/update");
  server.handle("thread/settings/update", (params, request) => {
    const answer = update(params, request);
    holds = params["sandboxPolicy"];
    return answer;
  });
}

/** Lets go of the thread, and has it loaded again, which the server answers with `sandbox`. */
async function loadAnew(sandbox: unknown = workspace) {
  opensUnder(sandbox);
  await thread.unsubscribe();
  await thread.turn("Hi").started;
  return server.paramsOf("thread/resume").at(-1);
}

const asWorkspace = (settings: object) => ({
  threadId: "thread-1",
  excludeTurns: true,
  sandbox: "workspace-write",
  config: {
    sandbox_workspace_write: {
      writable_roots: [],
      network_access: false,
      exclude_tmpdir_env_var: false,
      exclude_slash_tmp: false,
      ...settings,
    },
  },
});
const asItIs = { threadId: "thread-1", excludeTurns: true };

describe("a thread is loaded again", () => {
  test("as the server likes, when nothing was told of its sandbox", async () => {
    expect(await loadAnew()).toEqual(asItIs);
  });

  test("under the sandbox that the server told of last", async () => {
    await settingsUpdated({ type: "readOnly" });
    await settingsUpdated({ ...workspace, networkAccess: true, writableRoots: ["/a"] });
    expect(await loadAnew({ ...workspace, networkAccess: true })).toEqual(
      asWorkspace({ network_access: true, writable_roots: ["/a"] }),
    );
  });

  test("under one that has a name", async () => {
    await settingsUpdated({ type: "readOnly" });
    expect(await loadAnew({ type: "readOnly" })).toEqual({ ...asItIs, sandbox: "read-only" });
  });

  test("as the server likes, and then corrected, under one that has no name", async () => {
    const policy = { type: "readOnly", networkAccess: true };
    await settingsUpdated(policy);
    expect(await loadAnew(wide)).toEqual(asItIs);
    expect(server.paramsOf("thread/settings/update")).toMatchObject([{ sandboxPolicy: policy }]);
  });

  test("under the one that the server told of, whatever a turn has asked for", async () => {
    await settingsUpdated(workspace);
    await runTurn({ sandbox: "danger-full-access" });
    expect(await loadAnew()).toEqual(asWorkspace({}));
  });

  test("where the server does not tell: under the one that the last turn began with", async () => {
    await close();
    await open({ experimentalApi: false });
    // The second becomes part of the turn that runs, and its settings count for nothing.
    await runTurn({ sandbox: "workspace-write" }, { sandbox: "read-only" });
    expect(await loadAnew()).toEqual(asWorkspace({}));
  });

  test.each([
    ["nothing is wider", wide],
    ["nothing is wider", { type: "externalSandbox", networkAccess: "enabled" }],
  ])("as the server likes, when its sandbox was told and %s: %j", async (_, policy) => {
    await settingsUpdated(workspace);
    await settingsUpdated(policy);
    expect(await loadAnew()).toEqual(asItIs);
  });

  test.each([{ type: "somethingNew" }, "read-only", null, undefined])(
    "under the one before, when the server tells one that is not understood: %j",
    async (policy) => {
      await settingsUpdated(workspace);
      await settingsUpdated(policy);
      expect(await loadAnew()).toEqual(asWorkspace({}));
    },
  );

  test("with what is named of a workspace-write sandbox besides its own", async () => {
    await settingsUpdated(workspace);
    opensUnder({ ...workspace, networkAccess: true });
    const config = { sandbox_workspace_write: { network_access: true }, web_search: "disabled" };
    await client.resumeThread(thread.id, { config });
    const asked = asWorkspace({ network_access: true });
    expect(server.paramsOf("thread/resume").at(-1)).toEqual({
      ...asked,
      config: { ...asked.config, web_search: "disabled" },
    });
  });

  test.each([
    { sandbox: "danger-full-access" },
    { permissions: ":workspace" },
    { config: { sandbox_mode: "danger-full-access" } },
    { config: { default_permissions: ":workspace" } },
  ] as const)("as it is asked for, when the caller names a sandbox: %j", async (options) => {
    await settingsUpdated({ type: "readOnly" });
    // It is loaded once more before it is let go of, to be loaded with these changes.
    opensUnder({ type: "readOnly" });
    await client.resumeThread(thread.id, options);
    expect(server.paramsOf("thread/resume").at(-1)).toEqual({ ...asItIs, ...options });
  });

  test("under its own, when the caller names details of another one", async () => {
    await settingsUpdated({ type: "readOnly" });
    opensUnder(wide);
    const config = { sandbox_workspace_write: { network_access: true } };
    const resumed = await client.resumeThread(thread.id, { config });
    expect(resumed.opened?.sandbox).toEqual({ type: "readOnly" });
  });

  test("as the server likes, when it has a permission profile, which is stored", async () => {
    await settingsUpdated(workspace);
    await settingsUpdated(workspace, {
      activePermissionProfile: { id: ":workspace", extends: null },
    });
    expect(await loadAnew()).toEqual(asItIs);
  });

  test("as the server likes, when it was deleted in between", async () => {
    await settingsUpdated(workspace);
    await thread.delete();
    expect(await loadAnew()).toEqual(asItIs);
  });
});

describe("a thread that is loaded under a wider sandbox than it had", () => {
  const external: SandboxPolicy = { type: "externalSandbox", networkAccess: "restricted" };

  beforeEach(async () => {
    await settingsUpdated(external);
  });

  test("gets its own back before the turn starts", async () => {
    await loadAnew(wide);
    expect(server.paramsOf("thread/settings/update")).toEqual([
      { threadId: thread.id, sandboxPolicy: external },
    ]);
    const methods = server.requests.map(({ method }) => method);
    const asked = ["thread/resume", "thread/settings/update", "thread/resume", "turn/start"];
    expect(methods.filter((method) => asked.includes(method)).slice(-4)).toEqual(asked);
  });

  test("is let go of, each time, when the server refuses that", async () => {
    server.handle("thread/settings/update", () => {
      throw new ResponseError(-32600, "no");
    });
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const error = await rejection(loadAnew(wide));
      expect(error).toBeInstanceOf(SandboxWidenedError);
      expect(error.cause).toMatchObject({ method: "thread/settings/update" });
      expect(server.requests.at(-1)?.method).toBe("thread/unsubscribe");
    }
    expect(server.paramsOf("turn/start")).toEqual([]);
  });

  test("counts as wider when the kind of its sandbox is unknown here", async () => {
    await loadAnew({ type: "somethingNew" });
    expect(server.paramsOf("thread/settings/update")).toMatchObject([{ sandboxPolicy: external }]);
  });

  test("is let go of when the server keeps the wider one although it has agreed", async () => {
    server.handle("thread/resume", ({ threadId }) => ({
      ...opened(threadId as string),
      sandbox: wide,
    }));
    await thread.unsubscribe();
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      expect(await rejection(thread.run("Hi"))).toBeInstanceOf(SandboxWidenedError);
    }
    expect(server.paramsOf("turn/start")).toEqual([]);
  });

  test("lets no turn in before it has its own, whoever starts one", async () => {
    await thread.unsubscribe();
    opensUnder(wide);
    server.handle("thread/settings/update", () => later);
    const resuming = rejection(client.resumeThread(thread.id));
    const update = await server.nextRequest("thread/settings/update");
    const turn = rejection(client.thread(thread.id).run("Hi"));
    const second = await server.nextRequest("thread/settings/update");
    for (const request of [update, second]) server.refuse(request, -32_600, "no");
    expect(await resuming).toBeInstanceOf(SandboxWidenedError);
    expect(await turn).toBeInstanceOf(SandboxWidenedError);
    expect(server.paramsOf("turn/start")).toEqual([]);
  });

  test("is not given up when the connection is lost while it gets its own back", async () => {
    server.handle("thread/settings/update", () => {
      server.crash();
      return later;
    });
    expect(await rejection(loadAnew(wide))).toMatchObject({ code: "TRANSPORT_CLOSED" });
  });

  test("is a copy, too: it gets the sandbox of the first, and says so", async () => {
    server.handle("thread/fork", () => ({ ...opened("copy"), sandbox: wide }));
    const copy = await thread.fork();
    expect(copy.opened?.sandbox).toEqual(external);
    expect(server.paramsOf("thread/settings/update")).toEqual([
      { threadId: "copy", sandboxPolicy: external },
    ]);
    const free = await thread.fork({ sandbox: "danger-full-access" });
    expect(free.opened?.sandbox).toEqual(wide);
  });
});
