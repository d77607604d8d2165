import { beforeEach, afterEach, describe, expect, test } from "@jest/globals";
import type { SandboxPolicy } from "../../../generated/types.js";
import {
  SandboxWidenedError,
  type ConnectionSettings,
  type Thread,
  type TurnOptions,
} from "../../../lib/index.js";
import { linkedThread, RpcFail, type LinkedServer } from "../../support/linked-server.js";
import { rejection } from "../../support/real.js";
import { opened, turnCompleted, turnRecord, turnStarted } from "../../support/turn-messages.js";

const workspace = { type: "workspaceWrite", networkAccess: false };
const wide = { type: "dangerFullAccess" };

let server: LinkedServer;
let thread: Thread;
let close: () => Promise<void>;

beforeEach(() => open());
afterEach(() => close());

async function open(options?: ConnectionSettings): Promise<void> {
  const pair = await linkedThread(options);
  ({ server, thread } = pair);
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

/** Lets go of the thread, and has it loaded again, which the server answers with `sandbox`. */
async function loadAnew(sandbox: unknown = workspace) {
  server.handle("thread/resume", ({ threadId }) => ({ ...opened(threadId as string), sandbox }));
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
    ["it is of an unknown kind", { type: "somethingNew" }],
    ["it is no policy", "read-only"],
    ["it is no policy", null],
  ])("as the server likes, when its sandbox was told and %s: %j", async (_, policy) => {
    await settingsUpdated(workspace);
    await settingsUpdated(policy);
    expect(await loadAnew()).toEqual(asItIs);
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
    expect(methods.slice(-2)).toEqual(["thread/settings/update", "turn/start"]);
  });

  test("is let go of, each time, when the server refuses that", async () => {
    server.handle("thread/settings/update", () => {
      throw new RpcFail(-32600, "no");
    });
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const error = await rejection(loadAnew(wide));
      expect(error).toBeInstanceOf(SandboxWidenedError);
      expect(error.cause).toMatchObject({ method: "thread/settings/update" });
      expect(server.requests.at(-1)?.method).toBe("thread/unsubscribe");
    }
    expect(server.paramsOf("turn/start")).toEqual([]);
  });

  test("is taken as it is when the kind of its sandbox is unknown here", async () => {
    await loadAnew({ type: "somethingNew" });
    expect(server.paramsOf("thread/settings/update")).toEqual([]);
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
