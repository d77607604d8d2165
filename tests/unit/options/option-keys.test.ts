import { describe, expect, test } from "@jest/globals";
import { AppServerClient, Codex, InvalidArgumentError } from "../../../lib/index.js";
import type { Thread } from "../../../lib/index.js";
import { linked, linkedThread } from "../../support/linked-server.js";
import { opened, turnCompleted } from "../../support/turn-messages.js";

type Call = (client: AppServerClient, thread: Thread, options: never) => unknown;

const command = ["git", "status"];

/** Calls that take options, and one of the options that each knows. */
const calls: Record<string, readonly [Call, string]> = {
  "startThread()": [(client, _, options) => client.startThread(options), "sandbox"],
  "resumeThread()": [(client, _, options) => client.resumeThread("thread-1", options), "sandbox"],
  "fork()": [(client, _, options) => client.forkThread("thread-1", options), "lastTurnId"],
  "thread()": [(client, _, options) => client.thread("thread-1", options), "onApproval"],
  "listThreads()": [(client, _, options) => client.listThreads(options), "sortKey"],
  "searchThreads()": [(client, _, options) => client.searchThreads("x", options), "sortKey"],
  "threadSearch()": [(client, _, options) => client.threadSearch("x", options), "timeoutMs"],
  "realtimeItems()": [(_, thread, options) => thread.realtimeItems(options), "sessionId"],
  "loadedThreads()": [(client, _, options) => client.loadedThreads(options), "limit"],
  "a turn": [(_, thread, options) => thread.turn("Hi", options), "timeoutMs"],
  "review()": [(_, thread, o) => thread.review({ type: "uncommittedChanges" }, o), "timeoutMs"],
  "compact()": [(_, thread, options) => thread.compact(options), "timeoutMs"],
  "shellCommand()": [(_, thread, options) => thread.shellCommand("ls", options), "onBreak"],
  "runGoal()": [(_, thread, options) => thread.runGoal("Work", options), "tokenBudget"],
  "attachTurn()": [(_, thread, options) => thread.attachTurn({ id: "t" }, options), "onBreak"],
  "unsolicitedTurns()": [(_, thread, options) => thread.unsolicitedTurns(options), "signal"],
  "turns()": [(_, thread, options) => thread.turns(options), "limit"],
  "items()": [(_, thread, options) => thread.items(options), "limit"],
  "updateMetadata()": [(_, thread, options) => thread.updateMetadata(options), "gitInfo"],
  "updateSettings()": [(_, thread, options) => thread.updateSettings(options), "sandbox"],
  "moveToSection()": [(_, thread, o) => thread.moveToSection(null, o), "beforeThreadId"],
  "searchOccurrences()": [(_, thread, options) => thread.searchOccurrences("x", options), "limit"],
  "goal.set()": [(_, thread, options) => thread.goal.set(options), "objective"],
  "queue.add()": [(_, thread, options) => thread.queue.add("Hi", options), "clientUserMessageId"],
  "queue.list()": [(_, thread, options) => thread.queue.list(options), "limit"],
  "queue.update()": [(_, thread, options) => thread.queue.update("q", "Hi", options), ""],
  "queue.start()": [(_, thread, options) => thread.queue.start(options), "queuedSubmissionId"],
  "attachments.list()": [(_, thread, options) => thread.attachments.list(options), "limit"],
  "terminals.list()": [(_, thread, options) => thread.terminals.list(options), "limit"],
  "account()": [(client, _, options) => client.account(options), "refreshToken"],
  "usage()": [(client, _, options) => client.usage(options), "threadId"],
  "permissionProfiles()": [(client, _, options) => client.permissionProfiles(options), "limit"],
  "models()": [(client, _, options) => client.models(options), "limit"],
  "exec()": [(client, _, options) => client.exec(command, options), "sandbox"],
  "spawn()": [
    (client, _, options: object) => client.spawn(command, { cwd: "/", ...options }),
    "timeoutMs",
  ],
  "watch()": [(client, _, options) => client.watch("/tmp", options), "signal"],
  "searchFiles()": [(client, _, options) => client.searchFiles("x", options), "roots"],
  "fileSearch()": [(client, _, options) => client.fileSearch(options), "roots"],
  "codex.files": [(client, _, options) => client.files.remove("/x", options), "recursive"],
  "login.apiKey()": [(client, _, options) => client.login.apiKey("key", options), "timeoutMs"],
  "login.browser()": [(client, _, options) => client.login.browser(options), "appBrand"],
  "login.gateway()": [(client, _, options) => client.login.gateway(options), "deviceAuth"],
  "login.gatewayStatus()": [
    (client, _, options) => client.login.gatewayStatus(options),
    "modelProvider",
  ],
  "rateLimits.watch()": [(client, _, options) => client.rateLimits.watch(options), "signal"],
  "rateLimits.useResetCredit()": [
    (client, _, options) => client.rateLimits.useResetCredit(options),
    "creditId",
  ],
  "mcp.servers()": [(client, _, options) => client.mcp.servers(options), "detail"],
  "mcp.started()": [(client, _, options) => client.mcp.started("thread-1", options), "signal"],
  "mcp.startups()": [(client, _, options) => client.mcp.startups(options), "signal"],
  "mcp.callTool()": [(client, _, options) => client.mcp.callTool(options), "arguments"],
  "mcp.login()": [(client, _, options) => client.mcp.login("docs", options), "scopes"],
  "plugins.list()": [(client, _, options) => client.plugins.list(options), "cwds"],
  "plugins.search()": [(client, _, options) => client.plugins.search("x", options), "limit"],
  "marketplaces.add()": [
    (client, _, options) => client.plugins.marketplaces.add("/x", options),
    "refName",
  ],
  "skills.list()": [(client, _, options) => client.skills.list(options), "forceReload"],
  "hooks.list()": [(client, _, options) => client.hooks.list(options), "cwds"],
  "apps.list()": [(client, _, options) => client.apps.list(options), "limit"],
  "apps.updates()": [(client, _, options) => client.apps.updates(options), "signal"],
  "config.read()": [(client, _, options) => client.config.read(options), "includeLayers"],
  "config.write()": [
    (client, _, options) => client.config.write("model", "m", options),
    "mergeStrategy",
  ],
  "features.list()": [(client, _, options) => client.features.list(options), "limit"],
  "sections.list()": [(client, _, options) => client.sections.list(options), "limit"],
  "sections.create()": [(client, _, options) => client.sections.create("x", options), "appearance"],
  "notifications()": [(client, _, options) => client.notifications(options), "signal"],
};

async function failureOf(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe("an option that a call does not know is refused, and nothing is sent:", () => {
  test.each(Object.entries(calls))("%s", async (name, [call, known]) => {
    await using pair = await linkedThread();
    const before = pair.server.requests.length;
    const misspelt = known === "" ? "someKey" : `${known}Xx`;
    const error = await failureOf(() =>
      call(pair.client, pair.thread, { [misspelt]: "s3cret" } as never),
    );
    expect(error).toBeInstanceOf(InvalidArgumentError);
    const advice = known === "" ? "" : `. Did you mean ${known}?`;
    expect((error as Error).message).toBe(`${misspelt} is not an option of ${name}${advice}`);
    expect(pair.server.requests).toHaveLength(before);
  });

  test.each([
    ["exec()", { sandboxPolicy: { type: "readOnly" } }],
    ["spawn()", { sandbox: "read-only" }],
    ["startThread()", { sandboxPolicy: { type: "readOnly" } }],
    ["resumeThread()", { sandboxPolicy: { type: "readOnly" } }],
    ["fork()", { sandbox_mode: "read-only" }],
    ["thread()", { sandbox: "read-only" }],
    ["thread()", { approvalPolicy: "untrusted" }],
    ["a turn", { config: { sandbox_mode: "read-only" } }],
    ["a turn", { timeout: 5 }],
    ["review()", { sandbox: "read-only" }],
    ["compact()", { approvalPolicy: "never" }],
    ["shellCommand()", { sandbox: "read-only" }],
    ["runGoal()", { sandbox: "read-only" }],
    ["runGoal()", { idleTimeoutMs: 5 }],
    ["queue.start()", { sandbox: "read-only" }],
  ])("what decides about safety elsewhere: %s %p", async (name, options) => {
    await using pair = await linkedThread();
    const before = pair.server.requests.length;
    const [call] = calls[name] ?? [];
    const error = await failureOf(() => call?.(pair.client, pair.thread, options as never));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument: Object.keys(options)[0] });
    expect(pair.server.requests).toHaveLength(before);
  });

  test.each([
    ["onApproval", { onApproval: { comand: "decline" } }, "Did you mean command?"],
    ["onApproval", { onApproval: new Map([["command", "decline"]]) }, "must be an object"],
    [
      'handlers["item/commandExecution/requestAproval"]',
      { handlers: { "item/commandExecution/requestAproval": () => ({ decision: "decline" }) } },
      "item/commandExecution/requestApproval",
    ],
    ["approvalPolicy.granulr", { approvalPolicy: { granulr: {} } }, "approvalPolicy.granular?"],
    [
      "approvalPolicy.granular.ruls",
      { approvalPolicy: { granular: { ruls: false } } },
      "approvalPolicy.granular.rules?",
    ],
  ])("in the parts of an option: %s", async (argument, options, message) => {
    await using pair = await linkedThread();
    for (const name of ["startThread()", "resumeThread()", "fork()", "a turn"]) {
      const [call] = calls[name] ?? [];
      const error = await failureOf(() => call?.(pair.client, pair.thread, options as never));
      expect(error).toMatchObject({ argument, message: expect.stringContaining(message) });
    }
  });

  test.each([
    ["sandbox.networkAcess", { type: "workspaceWrite", networkAcess: false }],
    ["sandbox.network_access", { type: "readOnly", network_access: false }],
    ["sandbox.writableRoots", { type: "readOnly", writableRoots: [] }],
    ["sandbox.type", { networkAccess: false }],
  ])("in a sandbox policy: %s", async (argument, sandbox) => {
    await using pair = await linkedThread();
    for (const name of ["a turn", "updateSettings()", "exec()"]) {
      const [call] = calls[name] ?? [];
      const error = await failureOf(() => call?.(pair.client, pair.thread, { sandbox } as never));
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument });
    }
  });
});

describe("an option that a client does not know is refused, and no server is started:", () => {
  test.each([
    [{ requestTimeout: 5 }, "requestTimeout"],
    [{ aproval: "decline" }, "aproval"],
    [{ sandbox: "read-only" }, "sandbox"],
    [{ token: "t" }, "token"],
    [{ restart: { retrys: 1 } }, "restart.retrys"],
    [{ retryOnOverload: { retrys: 1 } }, "retryOnOverload.retrys"],
    [{ clientInfo: { name: "x", version: "1", titel: "" } }, "clientInfo.titel"],
    [{ launch: { command: "codex", arguments: [] } }, "launch.arguments"],
    [{ url: "ws://127.0.0.1:1", codexPath: "/x" }, "codexPath"],
    [{ url: "ws://127.0.0.1:1", config: {} }, "config"],
    [{ url: "ws://127.0.0.1:1", reconnect: { retry: 1 } }, "reconnect.retry"],
    [{ url: "ws://127.0.0.1:1", tls: { rejectUnauthorized: false } }, "tls.rejectUnauthorized"],
    [{ url: undefined }, "url"],
  ])("new Codex(%p)", async (options, argument) => {
    const error = await failureOf(() => new Codex(options as never));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument });
  });

  test.each([{ model: "m" }, { sandbox: "read-only", url: "ws://127.0.0.1:1" }])(
    "new Codex(%p) is told where it belongs",
    async (options) => {
      const error = await failureOf(() => new Codex(options as never));
      expect(error).toMatchObject({ message: expect.stringContaining("belong to startThread()") });
    },
  );

  test.each([
    [{ restart: true }, "restart"],
    [{ url: "ws://127.0.0.1:1" }, "url"],
    [{ onAproval: "decline" }, "onAproval"],
  ])("AppServerClient.start(%p)", async (options, argument) => {
    const error = await failureOf(() => AppServerClient.start(options as never));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT", argument });
  });

  test.each([
    [{ codexPath: "/x" }, "codexPath"],
    [{ tokn: "t" }, "tokn"],
  ])("AppServerClient.connect(url, %p)", async (options, argument) => {
    const connecting = () => AppServerClient.connect("ws://127.0.0.1:1", options as never);
    expect(await failureOf(connecting)).toMatchObject({ code: "INVALID_ARGUMENT", argument });
  });
});

describe("what applications do works:", () => {
  /** One object of options for everything, as it is kept in one place of an application. */
  const shared = {
    cwd: "/project",
    model: "m",
    sandbox: "read-only",
    approvalPolicy: "untrusted",
    onApproval: "decline",
    ephemeral: true,
    developerInstructions: "Be brief.",
    effort: "high",
    timeoutMs: 60_000,
    throwOnFailure: false,
    outputSchema: null,
    maxBacklogBytes: undefined,
  } as const;

  test("one object of options for startThread, resumeThread, fork, turn and run", async () => {
    await using pair = await linked();
    pair.server.handle("thread/fork", () => opened("thread-2"));
    const thread = await pair.client.startThread(shared);
    await pair.client.resumeThread("thread-1", shared);
    await thread.fork(shared);
    const turn = thread.turn("Hi", shared);
    await turn.started;
    pair.server.send(turnCompleted({ threadId: "thread-1", turnId: "turn-1" }));
    expect(await turn.run(shared)).toMatchObject({ status: "completed" });
    const sent = (method: string) => pair.server.paramsOf(method).map(Object.keys);
    const common = ["cwd", "model", "sandbox", "approvalPolicy"];
    expect(sent("thread/start")).toEqual([[...common, "ephemeral", "developerInstructions"]]);
    expect(sent("thread/resume").at(-1)).toEqual(
      expect.arrayContaining([...common, "developerInstructions", "threadId"]),
    );
    expect(sent("thread/resume").flat()).not.toContain("timeoutMs");
    expect(sent("thread/fork").flat()).not.toContain("effort");
    const [params] = pair.server.paramsOf("turn/start");
    expect(params).toMatchObject({ effort: "high", sandboxPolicy: { type: "readOnly" } });
    expect(Object.keys(params ?? {})).not.toContain("ephemeral");
  });

  test.each([
    [
      "an instance with getters",
      new (class {
        get sandbox() {
          return "read-only" as const;
        }
        get approvalPolicy() {
          return "untrusted" as const;
        }
      })(),
    ],
    [
      "an object made from another",
      Object.create({ sandbox: "read-only", approvalPolicy: "untrusted" }) as object,
    ],
  ])("options that are inherited: %s", async (_, options) => {
    await using pair = await linked();
    const thread = await pair.client.startThread(options);
    await thread.turn("Hi", options).started;
    await thread.updateSettings(options);
    const policy = { sandboxPolicy: { type: "readOnly" }, approvalPolicy: "untrusted" };
    expect(pair.server.paramsOf("thread/start")).toEqual([
      { sandbox: "read-only", approvalPolicy: "untrusted" },
    ]);
    expect(pair.server.paramsOf("turn/start")).toMatchObject([policy]);
    expect(pair.server.paramsOf("thread/settings/update")).toMatchObject([policy]);
    // A client's too, which is refused before anything is started.
    const inherited = Object.create({ codexPath: 5 }) as object;
    expect(await failureOf(() => new Codex(inherited))).toBeInstanceOf(InvalidArgumentError);
  });

  test("what the server said of a thread, spread into the options of a turn", async () => {
    await using pair = await linkedThread();
    const answer = {
      ...pair.thread.opened,
      sandbox: { type: "readOnly" as const, networkAccess: false },
      instructionSources: [],
      reasoningEffort: null,
      activePermissionProfile: null,
    };
    await pair.thread.turn("Hi", { ...answer, model: "other" }).started;
    const [params] = pair.server.paramsOf("turn/start");
    expect(params).toMatchObject({ model: "other", sandboxPolicy: { type: "readOnly" } });
    for (const key of ["thread", "sandbox", "instructionSources"]) {
      expect(params).not.toHaveProperty(key);
    }
  });

  test("a thread's settings, as the server told them, put back", async () => {
    await using pair = await linkedThread();
    const settings = {
      model: "m",
      modelProvider: "p",
      sandboxPolicy: { type: "readOnly" },
      approvalPolicy: { granular: { sandbox_approval: true, rules: true } },
      activePermissionProfile: null,
    };
    await pair.thread.updateSettings({ ...settings } as never);
    await pair.thread.turn("Hi", { ...settings } as never).started;
    await pair.thread.goal.set({ threadId: "other", objective: "x", tokensUsed: 5 } as never);
    const policy = { type: "readOnly" };
    expect(pair.server.paramsOf("thread/settings/update")).toEqual([
      {
        threadId: "thread-1",
        model: "m",
        sandboxPolicy: policy,
        approvalPolicy: settings.approvalPolicy,
      },
    ]);
    expect(pair.server.paramsOf("turn/start")).toMatchObject([{ sandboxPolicy: policy }]);
    expect(pair.server.paramsOf("thread/goal/set")).toEqual([
      { objective: "x", threadId: "thread-1" },
    ]);
  });

  test("keys whose value is undefined, and an update that only a newer server knows by request", async () => {
    await using pair = await linkedThread();
    const unset = { onAproval: undefined, sandboxMode: undefined } as object;
    await pair.client.startThread(unset);
    await pair.thread.turn("Hi", unset).started;
    const codex = new Codex({ requestTimeout: undefined } as object);
    await codex.close();
    await pair.client.request("thread/start", { aNewField: 1 } as object);
    await pair.client.rpc.thread.start({ aNewField: 2 } as object);
    expect(pair.server.paramsOf("thread/start").slice(-2)).toEqual([
      { aNewField: 1 },
      { aNewField: 2 },
    ]);
  });
});
