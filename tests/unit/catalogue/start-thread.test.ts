import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  InvalidArgumentError,
  SettingNotAllowedError,
  TransportClosedError,
  type AppServerClient,
  type ConnectionSettings,
  type StartThreadOptions,
} from "../../../lib/index.js";
import { later, linked, ResponseError, type LinkedServer } from "../../support/linked-server.js";
import { rejection } from "../../support/real.js";
import { opened } from "../../support/turn-messages.js";

const cwd = "/home/user/project";
const readOnly = { type: "readOnly", networkAccess: false };
const wide = { type: "dangerFullAccess" };
const writable = { cwd, sandbox: "danger-full-access" } as const;

let server: LinkedServer;
let client: AppServerClient;
let warnings: string[];

beforeEach(() => open());
afterEach(() => client.close());

async function open(options: ConnectionSettings = {}): Promise<void> {
  warnings = [];
  ({ client, server } = await linked({
    ...options,
    logger: { warn: (message) => warnings.push(message) },
  }));
  server.handle("thread/start", ({ sandbox }) => ({
    ...opened("thread-1"),
    sandbox: sandbox === "danger-full-access" ? wide : readOnly,
  }));
  server.handle("config/read", () => ({ config: {}, layers: [] }));
}

/** The methods that the client has called since the handshake. */
function methods(): string[] {
  return server.requests.map(({ method }) => method).filter((method) => method !== "initialize");
}

describe("one request is enough", () => {
  const cases: [string, StartThreadOptions][] = [
    ["without a directory", { sandbox: "danger-full-access" }],
    ["without a directory, whatever null means", { sandbox: "danger-full-access", cwd: null }],
    ["where commands may only read", { cwd, sandbox: "read-only" }],
    ["where a profile only reads", { cwd, permissions: ":read-only" }],
    ["where the directory is to be trusted", { ...writable, trustProject: true }],
    ["where the server refuses anyway", { cwd, sandbox: "read-only", permissions: ":workspace" }],
  ];

  test.each(cases)("%s", async (_, options) => {
    await client.startThread(options);
    expect(methods()).toEqual(["thread/start"]);
    const sent = { ...options };
    delete sent.trustProject;
    expect(server.paramsOf("thread/start")).toEqual([sent]);
  });
});

test("the configuration is asked for the directory, and when it has no sandbox, that is all", async () => {
  await client.startThread({ cwd });
  expect(methods()).toEqual(["config/read", "thread/start"]);
  expect(server.paramsOf("config/read")).toEqual([{ cwd, includeLayers: true }]);
  expect(server.paramsOf("thread/start")).toEqual([{ cwd }]);
});

test.each([
  [
    "the layer that goes first",
    { sandbox_mode: "danger-full-access" },
    { default_permissions: "x" },
    wide,
  ],
  ["a layer that counts", null, { sandbox_mode: "danger-full-access" }, wide],
])("of two sandboxes in the configuration, %s decides", async (_, first, second, policy) => {
  const config = { sandbox_mode: "danger-full-access", default_permissions: "x" };
  const name = { type: "project" };
  const off = { name, config: { default_permissions: "y" }, disabledReason: "not trusted" };
  server.handle("config/read", () => ({
    config,
    layers: [
      off,
      { name: { type: "sessionFlags" }, config: first },
      { name: { type: "user" }, config: second },
    ],
  }));
  const thread = await client.startThread({ cwd });
  expect(server.paramsOf("thread/settings/update")).toEqual([
    { threadId: "thread-1", sandboxPolicy: policy },
  ]);
  expect(thread.opened?.sandbox).toEqual(policy);
});

describe("when the sandbox cannot be given, neither is the thread", () => {
  test("since the server refuses", async () => {
    server.handle("thread/settings/update", () => {
      throw new ResponseError(-32_603, "no");
    });
    const error = await rejection(client.startThread(writable));
    expect(error).toMatchObject({ code: "INTERNAL_ERROR", method: "thread/settings/update" });
    const { params } = await server.nextRequest("thread/unsubscribe");
    expect(params).toEqual({ threadId: "thread-1" });
    expect(client.session.isLoaded("thread-1")).toBe(false);
  });

  test("since the server does not answer", async () => {
    await client.close();
    await open({ requestTimeoutMs: 50 });
    server.handle("thread/settings/update", () => later);
    const error = await rejection(client.startThread(writable));
    expect(error).toMatchObject({ code: "REQUEST_TIMEOUT", method: "thread/settings/update" });
    await server.nextRequest("thread/unsubscribe");
  });

  test("since the server is gone", async () => {
    server.handle("thread/settings/update", () => {
      server.crash();
      return later;
    });
    expect(await rejection(client.startThread(writable))).toBeInstanceOf(TransportClosedError);
  });

  test("since the server is gone before it tells what a profile allows", async () => {
    server.handle("thread/settings/update", () => {
      setImmediate(() => {
        server.crash();
      });
      return {};
    });
    const starting = client.startThread({ cwd, permissions: "mine" });
    expect(await rejection(starting)).toBeInstanceOf(TransportClosedError);
  });

  test("since nobody knows which one the configuration has", async () => {
    server.handle("config/read", () => {
      throw new ResponseError(-32_603, "no");
    });
    expect(await rejection(client.startThread({ cwd }))).toMatchObject({ method: "config/read" });
    expect(methods()).toEqual(["config/read"]);
  });
});

test("a sandbox that requirements forbid is replaced by a narrower one, as always, with a log line", async () => {
  server.handle("thread/settings/update", () => {
    throw new ResponseError(-32_600, "`DangerFullAccess` is not in the allowed set [ReadOnly]");
  });
  const thread = await client.startThread(writable);
  expect(thread.opened?.sandbox).toEqual(readOnly);
  expect(warnings).toEqual([expect.stringContaining("sandbox")]);
  const error = await rejection(thread.updateSettings({ sandbox: "danger-full-access" }));
  expect(error).toBeInstanceOf(SettingNotAllowedError);
});

test("the server may tell what a profile allows before it answers", async () => {
  const activePermissionProfile = { id: "mine", extends: null };
  server.handle("thread/settings/update", () => {
    const threadSettings = { sandboxPolicy: wide, activePermissionProfile };
    server.notify("thread/settings/updated", { threadId: "other", threadSettings: {} });
    server.notify("thread/settings/updated", { threadId: "thread-1", threadSettings });
    return {};
  });
  const { opened: told } = await client.startThread({ cwd, permissions: "mine" });
  expect(told).toMatchObject({ sandbox: wide, activePermissionProfile });
  expect(server.paramsOf("thread/start")).toEqual([{ cwd, sandbox: "read-only" }]);
});

test("the client's trustProject counts where the thread has none", async () => {
  await client.close();
  await open({ trustProject: true });
  await client.startThread(writable);
  await client.startThread({ ...writable, trustProject: undefined });
  expect(methods()).toEqual(["thread/start", "thread/start"]);
  await client.startThread({ ...writable, trustProject: false });
  expect(methods().slice(2)).toEqual(["thread/start", "thread/settings/update"]);
});

test.each([1, "yes"])("trustProject must be true or false, not %j", async (value) => {
  const options = { trustProject: value as never };
  const errors = [await rejection(client.startThread(options)), await rejection(linked(options))];
  for (const error of errors) {
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error.message).toContain("trustProject");
  }
  expect(methods()).toEqual([]);
});

describe("without experimental methods", () => {
  beforeEach(async () => {
    await client.close();
    await open({ experimentalApi: false });
  });
  const startedWith = () => server.paramsOf("turn/start").map(({ sandboxPolicy }) => sandboxPolicy);

  test("the first turn that begins names the sandbox, and only that one", async () => {
    server.handle("configRequirements/read", () => ({ requirements: null }));
    const thread = await client.startThread(writable);
    expect(thread.opened?.sandbox).toEqual(wide);
    const refused = thread.turn("Hi");
    server.handle("turn/start", () => {
      throw new ResponseError(-32_603, "no");
    });
    await rejection(refused.run());
    server.handle("turn/start", () => ({
      turn: { id: "turn-1", status: "inProgress", items: [] },
    }));
    await thread.turn("Hi").started;
    await thread.turn("And", { whenBusy: "steer" }).started;
    expect(startedWith()).toEqual([wide, wide, undefined]);
  });

  test("but not one that requirements forbid", async () => {
    const requirements = { allowedSandboxModes: ["read-only"] };
    server.handle("configRequirements/read", () => ({ requirements }));
    const thread = await client.startThread(writable);
    expect(thread.opened?.sandbox).toEqual(readOnly);
    expect(warnings).toEqual([expect.stringContaining("sandbox")]);
    await thread.turn("Hi").started;
    expect(startedWith()).toEqual([undefined]);
  });
});

test("a configuration that the server does not tell is not needed where the sandbox is named", async () => {
  server.handle("config/read", () => {
    throw new ResponseError(-32_603, "incomplete");
  });
  const writes = { type: "workspaceWrite" };
  server.handle("thread/start", () => ({ ...opened("thread-1"), sandbox: writes }));
  await client.startThread({ cwd, sandbox: "workspace-write" });
  expect(warnings).toEqual([expect.stringContaining("refused to tell its configuration")]);
  await client.startThread({ cwd, config: { sandbox_mode: "danger-full-access" } });
  expect(warnings).toHaveLength(1);
  const given = server.paramsOf("thread/settings/update").map((one) => one["sandboxPolicy"]);
  expect(given).toMatchObject([{ ...writes, networkAccess: false }, wide]);
});

describe("the configuration of the thread", () => {
  const layer = (type: string, config: object) => ({ name: { type }, config });
  const wants = { cwd, config: { sandbox_mode: "danger-full-access" } } as const;
  const mode = { sandbox_mode: "read-only" };

  test.each([
    ["goes before the user's", [layer("user", mode)], [wide]],
    ["goes before the server's arguments", [layer("sessionFlags", mode)], [wide]],
    ["goes behind the administrator's", [layer("legacyManagedConfigTomlFromFile", mode)], []],
  ])("%s", async (_, layers, given) => {
    server.handle("config/read", () => ({ config: mode, layers }));
    await client.startThread(wants).catch(() => undefined);
    const policies = server.paramsOf("thread/settings/update").map((one) => one["sandboxPolicy"]);
    expect(policies).toEqual(given);
  });

  test("cannot have a directory below a home that is not known here", async () => {
    const sandbox_workspace_write = { writable_roots: ["~/notes"] };
    const starting = client.startThread({
      cwd,
      sandbox: "workspace-write",
      config: { sandbox_workspace_write },
    });
    const error = await rejection(starting);
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({
      argument: "config.sandbox_workspace_write.writable_roots",
    });
  });
});
