import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  SandboxWidenedError,
  SettingsLoosenedError,
  type AppServerClient,
  type ConnectionSettings,
  type StartThreadOptions,
} from "../../../../lib/index.js";
import { LinkedAnew } from "../../../support/linked-anew.js";
import { later, linked, type LinkedServer } from "../../../support/linked-server.js";
import { rejection } from "../../../support/real.js";
import { opened, turnRecord, turnStarted, type Params } from "../../../support/turn-messages.js";

let server: LinkedServer;
let client: AppServerClient;
let warnings: string[];

beforeEach(() => open());
afterEach(() => client.close());

async function open(options: ConnectionSettings = {}): Promise<void> {
  warnings = [];
  const logger = { warn: (message: string) => warnings.push(message) };
  ({ client, server } = await linked({ ...options, logger }));
}

/** From now on, the server says of every thread that it has these settings. */
function tells(settings: Params): void {
  server.handle("thread/start", () => ({ ...opened("thread-1"), ...settings }));
  for (const method of ["thread/resume", "thread/fork"]) {
    server.handle(method, ({ threadId }) => ({ ...opened(threadId as string), ...settings }));
  }
}

const all = {
  sandbox_approval: true,
  rules: true,
  skill_approval: true,
  request_permissions: true,
  mcp_elicitations: true,
};
const readOnly = { type: "readOnly", networkAccess: false };
const workspace = { type: "workspaceWrite", networkAccess: false };

type Case = [asked: StartThreadOptions, told: Params];

const looser: Case[] = [
  [{ approvalPolicy: "untrusted" }, { approvalPolicy: "on-request" }],
  [{ approvalPolicy: "untrusted" }, { approvalPolicy: { granular: all } }],
  [{ approvalPolicy: "untrusted" }, { approvalPolicy: "never" }],
  [{ approvalPolicy: "on-request" }, { approvalPolicy: "never" }],
  [{ approvalPolicy: { granular: all } }, { approvalPolicy: "never" }],
  [{ approvalPolicy: "on-request" }, { approvalPolicy: "something-new" }],
  [{ approvalPolicy: "untrusted" }, { approvalPolicy: { something: "new" } }],
  [{ approvalsReviewer: "user" }, { approvalsReviewer: "auto_review" }],
  [{ approvalsReviewer: "user" }, { approvalsReviewer: "guardian_subagent" }],
  [{ approvalsReviewer: "user" }, { approvalsReviewer: "somebody" }],
  [{ sandbox: "read-only" }, { sandbox: workspace }],
  [{ sandbox: "read-only" }, { sandbox: { ...readOnly, networkAccess: true } }],
  [{ sandbox: "workspace-write" }, { sandbox: { type: "dangerFullAccess" } }],
  [{ sandbox: "workspace-write" }, { sandbox: { type: "externalSandbox" } }],
  [{ sandbox: "workspace-write" }, { sandbox: { type: "somethingNew" } }],
  [{ config: { sandbox_mode: "read-only" } }, { sandbox: workspace }],
  [{ permissions: "mine" }, { sandbox: workspace, activePermissionProfile: null }],
  [{ permissions: "mine" }, { sandbox: workspace, activePermissionProfile: { id: "other" } }],
  [{ config: { default_permissions: "mine" } }, { sandbox: workspace }],
];

test.each(looser)("a thread that was to have %j is not used with %j", async (asked, told) => {
  tells(told);
  const error = await rejection(client.startThread(asked));
  const setting = Object.keys(told)[0];
  expect(error).toBeInstanceOf(setting === "sandbox" ? SandboxWidenedError : SettingsLoosenedError);
  expect(error).toMatchObject({ threadId: "thread-1", setting });
  expect(error).toBeInstanceOf(SettingsLoosenedError);
  expect(client.session.isLoaded("thread-1")).toBe(false);
  expect(server.paramsOf("thread/unsubscribe")).toEqual([{ threadId: "thread-1" }]);
});

const stricter: Case[] = [
  [{ approvalPolicy: "never" }, { approvalPolicy: "on-request" }],
  [{ approvalPolicy: "never" }, { approvalPolicy: "untrusted" }],
  [{ approvalPolicy: "on-request" }, { approvalPolicy: "untrusted" }],
  [{ approvalPolicy: "on-request" }, { approvalPolicy: { granular: all } }],
  [
    { approvalPolicy: { granular: all } },
    { approvalPolicy: { granular: { ...all, rules: false } } },
  ],
  [{ approvalsReviewer: "auto_review" }, { approvalsReviewer: "user" }],
  [{ sandbox: "danger-full-access" }, { sandbox: workspace }],
  [{ sandbox: "workspace-write" }, { sandbox: readOnly }],
  [{ permissions: "mine" }, { sandbox: readOnly, activePermissionProfile: null }],
];

test.each(stricter)("one that was to have %j is used with %j, and logged", async (asked, told) => {
  tells(told);
  await client.startThread(asked);
  expect(warnings).toEqual([expect.stringContaining(Object.keys(told)[0] ?? "")]);
});

const same: Case[] = [
  [{ approvalPolicy: "untrusted" }, { approvalPolicy: "untrusted" }],
  [{ approvalPolicy: { granular: all } }, { approvalPolicy: { granular: { ...all } } }],
  // The server tells the rules that were left out, too.
  [
    { config: { approval_policy: { granular: { rules: true } } } },
    { approvalPolicy: { granular: { rules: true, skill_approval: false } } },
  ],
  [{ approvalsReviewer: "guardian_subagent" }, { approvalsReviewer: "auto_review" }],
  [{ sandbox: "workspace-write" }, { sandbox: { ...workspace, networkAccess: true } }],
  [{ sandbox: "workspace-write" }, { sandbox: { ...workspace, excludeSlashTmp: true } }],
  [{ sandbox: "danger-full-access" }, { sandbox: { type: "externalSandbox" } }],
  [{ permissions: "mine" }, { sandbox: workspace, activePermissionProfile: { id: "mine" } }],
  // Nobody has asked for anything, and a server that says nothing has replaced nothing.
  [{}, { approvalPolicy: "never", sandbox: { type: "dangerFullAccess" } }],
  [{ approvalPolicy: "untrusted", sandbox: "read-only" }, {}],
  [{ approvalPolicy: "untrusted" }, { approvalPolicy: null }],
];

test.each(same)("one that was to have %j has it with %j", async (asked, told) => {
  tells(told);
  await client.startThread(asked);
  expect(warnings).toEqual([]);
});

describe("a thread is held to what it had", () => {
  const untrusted = { approvalPolicy: "untrusted", approvalsReviewer: "user" };
  const loose = { approvalPolicy: "never", approvalsReviewer: "user" };

  test("when it is loaded again, until somebody names what it has", async () => {
    tells(untrusted);
    const thread = await client.startThread();
    tells(loose);
    await thread.unsubscribe();
    for (const attempt of [() => thread.run("Hi"), () => client.resumeThread(thread.id)]) {
      expect(await rejection(attempt())).toMatchObject({ setting: "approvalPolicy" });
    }
    expect(await rejection(thread.fork())).toMatchObject({ setting: "approvalPolicy" });
    expect(server.paramsOf("turn/start")).toEqual([]);
    await client.resumeThread(thread.id, { approvalPolicy: "never" });
    await thread.turn("Hi").started;
  });

  test("as the server has told it since", async () => {
    tells(untrusted);
    const thread = await client.startThread();
    const threadSettings = { approvalPolicy: "never" };
    server.notify("thread/settings/updated", { threadId: thread.id, threadSettings });
    tells(loose);
    await thread.unsubscribe();
    await thread.turn("Hi").started;
  });

  test("as its turns have begun, where the server does not tell", async () => {
    await client.close();
    await open({ experimentalApi: false });
    tells(loose);
    const thread = await client.startThread();
    await thread.turn("Hi", { approvalPolicy: "untrusted" }).started;
    await client.request("thread/unsubscribe", { threadId: thread.id });
    expect(await rejection(client.resumeThread(thread.id))).toMatchObject({
      setting: "approvalPolicy",
    });
  });

  test("when a warning alone tells that it was stored with another policy", async () => {
    server.handle("thread/resume", ({ threadId }) => {
      for (const id of [threadId, "another-thread", undefined]) {
        const message =
          "Configured value for `approvals_reviewer` is disallowed by requirements; falling back to " +
          "required value AutoReview. Details: invalid value for `approvals_reviewer`: `User` is not in " +
          "the allowed set [AutoReview] (set by /etc/codex/requirements.toml)";
        server.notify("warning", { threadId: id, message });
      }
      return { ...opened(threadId as string), approvalsReviewer: "auto_review" };
    });
    for (const warning of [null, 7, "Model metadata not found."]) {
      server.notify("warning", { threadId: "stored", message: warning });
    }
    const thread = client.thread("stored");
    for (let attempt = 0; attempt < 2; attempt += 1) {
      expect(await rejection(thread.run("Hi"))).toMatchObject({ setting: "approvalsReviewer" });
    }
    expect(server.paramsOf("turn/start")).toEqual([]);
  });

  test.each([
    ["copied", "before", "thread/fork", () => client.forkThread("stored")],
    ["copied", "after", "thread/fork", () => client.forkThread("stored")],
    ["loaded", "before", "thread/resume", () => client.resumeThread("stored")],
    // Up to 0.160.1 at least, on a busy machine.
    ["loaded", "after", "thread/resume", () => client.resumeThread("stored")],
    ["loaded for a turn", "after", "thread/resume", () => client.thread("stored").run("Hi")],
  ])("when it is %s, and the warning comes %s the answer", async (_, when, method, open) => {
    const id = method === "thread/fork" ? "copy" : "stored";
    const message =
      "Configured value for `approval_policy` is disallowed by requirements; falling back to required " +
      "value OnRequest. Details: invalid value for `approval_policy`: `UnlessTrusted` is not in the " +
      "allowed set [OnRequest, Never] (set by /etc/codex/requirements.toml)";
    const warn = () => {
      server.notify("warning", { threadId: id, message });
    };
    server.handle(method, () => {
      if (when === "before") warn();
      return { ...opened(id), ...loose };
    });
    server.handle("thread/read", () => {
      if (when === "after") warn();
      return { thread: { id } };
    });
    expect(await rejection(open())).toMatchObject({ setting: "approvalPolicy" });
    expect(server.paramsOf("turn/start")).toEqual([]);
  });

  test("when nobody could hear of it: the thread is loaded again before its next turn, and asked about again", async () => {
    await client.close();
    await open({ requestTimeoutMs: 50 });
    tells(loose);
    server.handle("thread/read", () => later);
    const thread = client.thread("stored");
    for (let attempt = 1; attempt <= 2; attempt += 1) {
      expect(await rejection(thread.run("Hi"))).toMatchObject({ code: "REQUEST_TIMEOUT" });
      expect(server.paramsOf("thread/resume")).toHaveLength(attempt);
      expect(client.session.isLoaded("stored")).toBe(false);
    }
    expect(server.paramsOf("turn/start")).toEqual([]);
  });

  test("when another client has it loaded, so that the server ignores what is asked for", async () => {
    tells(loose);
    const resuming = client.resumeThread("shared", { approvalPolicy: "untrusted" });
    expect(await rejection(resuming)).toMatchObject({ setting: "approvalPolicy" });
    // Whoever uses it next is held to the same.
    expect(await rejection(client.thread("shared").run("Hi"))).toMatchObject({
      setting: "approvalPolicy",
    });
  });

  test("when a connection that dropped is restored", async () => {
    let settings = untrusted;
    await using link = await LinkedAnew.start({
      prepare: (next) => {
        next.handle("thread/start", () => ({ ...opened("thread-1"), ...settings }));
        next.handle("thread/resume", () => ({ ...opened("thread-1"), ...settings }));
        next.handle("turn/start", () => ({ turn: turnRecord("turn-1") }));
      },
    });
    const thread = await link.client.startThread();
    settings = loose;
    const fresh = await link.reconnect();
    expect(await rejection(thread.run("Hi"))).toMatchObject({ setting: "approvalPolicy" });
    expect(fresh.paramsOf("turn/start")).toEqual([]);
  });
});

test("what was changed just before the thread was let go of is what it is to have", async () => {
  const strict = { approvalPolicy: "untrusted", sandbox: workspace };
  const loose = { approvalPolicy: "never", sandbox: { type: "dangerFullAccess" } };
  tells(strict);
  const thread = await client.startThread();
  await thread.updateSettings({ approvalPolicy: "never", sandbox: "danger-full-access" });
  // The server would tell of it now, and does not tell whoever has let go.
  await thread.unsubscribe();
  server.notify("thread/closed", { threadId: thread.id });
  tells(loose);
  await thread.turn("Hi").started;
  const resumed = server.paramsOf("thread/resume");
  expect(resumed).toEqual([{ threadId: thread.id, excludeTurns: true }]);

  // A profile takes the place of the sandbox that was known.
  server.handle("thread/settings/update", (_, request) => {
    const threadSettings = { sandboxPolicy: workspace, activePermissionProfile: { id: "mine" } };
    server.notify("thread/settings/updated", { threadId: thread.id, threadSettings });
    server.respond(request, {});
    return later;
  });
  await thread.updateSettings({ permissions: "mine" });
  expect(client.session.memory.settingsOf(thread.id)).toEqual({
    approvalPolicy: "never",
    approvalsReviewer: "user",
  });
});

describe("input joins a running turn", () => {
  const steer = { whenBusy: "steer" } as const;

  test("unless it is to be asked about more than that turn asks", async () => {
    tells({ approvalPolicy: "untrusted", approvalsReviewer: "user" });
    const thread = await client.startThread();
    // What the turn itself has named is what it runs with.
    await thread.turn("Hi", { approvalPolicy: "on-request" }).started;
    server.send(turnStarted({ threadId: thread.id, turnId: "turn-1" }));
    await thread.read();
    server.handle("turn/start", () => ({ turn: turnRecord("turn-1") }));
    await thread.turn("And", { ...steer, approvalPolicy: "on-request", approvalsReviewer: "user" })
      .started;
    await thread.turn("And", { ...steer, approvalPolicy: "never" }).started;
    await thread.turn("And", steer).started;
    const sent = server.paramsOf("turn/start").length;
    const joining = thread.run("And", { ...steer, approvalPolicy: "untrusted" });
    expect(await rejection(joining)).toMatchObject({ code: "THREAD_BUSY" });
    expect(server.paramsOf("turn/start")).toHaveLength(sent);
  });

  test("whatever it names, where nothing is known of the turn", async () => {
    const thread = await client.startThread();
    await thread.turn("Hi").started;
    server.send(turnStarted({ threadId: thread.id, turnId: "turn-1" }));
    await thread.read();
    server.handle("turn/start", () => ({ turn: turnRecord("turn-1") }));
    await thread.turn("And", { ...steer, approvalPolicy: "untrusted" }).started;
  });
});
