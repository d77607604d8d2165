import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { appendFile } from "node:fs/promises";
import path from "node:path";
import {
  SandboxWidenedError,
  type AppServerClient,
  type Codex,
  type StartThreadOptions,
  type Thread,
} from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import {
  instructions,
  isNoted,
  plantRepository,
  skill,
  userConfig,
  type PlantedRepository,
} from "../support/planted-repository.js";
import { RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let codex: Codex;
let client: AppServerClient;

/** The configuration of the stage has a sandbox and a policy; these tests begin with a server that has none. */
const unset = { sandbox_mode: undefined, approval_policy: undefined };

beforeAll(async () => {
  stage = await RealStage.open();
  stage.model.respond(() => reply.text("Done."));
  codex = codexWith({});
  client = await codex.client();
});
afterAll(() => stage.close());

function codexWith(config: object, more: object = {}): Codex {
  return stage.codex({ config: { ...stage.options().config, ...unset, ...config }, ...more });
}

const plant = () => plantRepository(stage.project);
const noted = (repository: PlantedRepository) => isNoted(stage.home, repository.path);

/** Runs a turn, before which the server has started all MCP servers of the thread. */
async function prompt(thread: Thread): Promise<string> {
  const { length } = stage.model.requests;
  await thread.run("Hi");
  return JSON.stringify(stage.model.requests[length]?.input);
}

/** What the thread has by the server's own account, after its first turn. */
async function settingsOf(thread: Thread, of: AppServerClient = client) {
  return settingsIn(await of.request("thread/resume", { threadId: thread.id, excludeTurns: true }));
}

function settingsIn(opened: Thread["opened"]) {
  const { sandbox, activePermissionProfile, approvalPolicy, approvalsReviewer } = opened ?? {};
  return { sandbox, activePermissionProfile, approvalPolicy, approvalsReviewer };
}

const workspace = {
  type: "workspaceWrite",
  writableRoots: [],
  networkAccess: false,
  excludeTmpdirEnvVar: false,
  excludeSlashTmp: false,
};
/** The details of "workspace-write" that a configuration has, and what becomes of them. */
const details = { network_access: true, writable_roots: ["/opt"], exclude_slash_tmp: true };
const detailed = {
  ...workspace,
  networkAccess: true,
  writableRoots: ["/opt"],
  excludeSlashTmp: true,
};

const writable: [string, StartThreadOptions, object, string][] = [
  ["workspace-write", { sandbox: "workspace-write" }, workspace, "workspace-write"],
  [
    "full access",
    { sandbox: "danger-full-access" },
    { type: "dangerFullAccess" },
    "danger-full-access",
  ],
  ["a permission profile", { permissions: ":workspace" }, workspace, "workspace-write"],
  [
    "its configuration",
    { config: { sandbox_mode: "workspace-write" } },
    workspace,
    "workspace-write",
  ],
  [
    "a profile in its configuration",
    { config: { default_permissions: ":workspace" } },
    workspace,
    "workspace-write",
  ],
  [
    "details in its configuration",
    {
      sandbox: "workspace-write",
      config: { sandbox_workspace_write: details, "sandbox_workspace_write.network_access": true },
    },
    detailed,
    "workspace-write",
  ],
];

describe("a thread that may write does not have its repository trusted", () => {
  test.each(writable)("its sandbox being named by %s", async (_, options, sandbox, mode) => {
    const repository = await plant();
    const thread = await codex.startThread({ cwd: repository.path, ...options });
    expect(thread.opened).toMatchObject({ sandbox, approvalPolicy: "on-request" });
    const told = await prompt(thread);
    expect(told).toContain(instructions);
    expect(told).toContain(`\`sandbox_mode\` is \`${mode}\``);
    expect(await settingsOf(thread)).toEqual(settingsIn(thread.opened));

    const next = await codex.startThread({ cwd: repository.path, sandbox: "read-only" });
    await prompt(next);
    expect(await noted(repository)).toBe(false);
    expect(repository.ran()).toBe(false);
  });

  test("its sandbox being that of the configuration, with what belongs to it", async () => {
    const sandbox_workspace_write = details;
    const other = codexWith({ sandbox_mode: "workspace-write", sandbox_workspace_write });
    const repository = await plant();
    const thread = await other.startThread({ cwd: repository.path });
    expect(thread.opened).toMatchObject({ sandbox: detailed, activePermissionProfile: null });
    expect(await prompt(thread)).toContain("Network access is enabled");
    const holds = await settingsOf(thread, await other.client());
    expect(holds.sandbox).toEqual(detailed);

    const profiled = await other.startThread({
      cwd: repository.path,
      config: { default_permissions: ":workspace" },
    });
    const profile = { id: ":workspace" };
    expect(profiled.opened).toMatchObject({ activePermissionProfile: profile });
    await prompt(profiled);
    expect(await noted(repository)).toBe(false);
    expect(repository.ran()).toBe(false);
  });

  test("without experimental methods, its first turn having the sandbox", async () => {
    const other = codexWith({}, { experimentalApi: false });
    const repository = await plant();
    const thread = await other.startThread({ cwd: repository.path, sandbox: "workspace-write" });
    expect(thread.opened?.sandbox).toEqual(workspace);
    const told = await prompt(thread);
    expect(told).toContain("`sandbox_mode` is `workspace-write`");
    const holds = await settingsOf(thread, await other.client());
    expect(holds.sandbox).toEqual(workspace);
    // What a turn names goes before it, and stays.
    const second = await other.startThread({ cwd: repository.path, sandbox: "danger-full-access" });
    await second.run("Hi", { sandbox: "workspace-write" });
    await second.run("And now?");
    expect((await settingsOf(second, await other.client())).sandbox).toEqual(workspace);
    expect(await noted(repository)).toBe(false);
    expect(repository.ran()).toBe(false);
  });

  test("being ephemeral, with roots of its own", async () => {
    const repository = await plant();
    const thread = await codex.startThread({
      cwd: repository.path,
      sandbox: "workspace-write",
      runtimeWorkspaceRoots: [repository.path, "/opt"],
      ephemeral: true,
    });
    expect(thread.opened?.sandbox).toMatchObject({
      type: "workspaceWrite",
      writableRoots: ["/opt"],
    });
    expect(await prompt(thread)).toContain("`sandbox_mode` is `workspace-write`");
    expect(await noted(repository)).toBe(false);
    expect(repository.ran()).toBe(false);
  });

  test("when it goes there later: with a turn, with its settings, when resumed, as a copy", async () => {
    const repository = await plant();
    const cwd = repository.path;
    const thread = await codex.startThread({ sandbox: "workspace-write" });
    await thread.run("Hi", { cwd });
    await thread.updateSettings({ cwd, sandbox: "danger-full-access" });
    const sandbox = "workspace-write";
    await prompt(await codex.resumeThread(thread.id, { cwd, sandbox }));
    await prompt(await thread.fork({ cwd, sandbox }));
    expect(await noted(repository)).toBe(false);
    expect(repository.ran()).toBe(false);
  });
});

describe("what a thread has otherwise is the same, in a directory that", () => {
  const options: StartThreadOptions[] = [
    {},
    { sandbox: "workspace-write" },
    { permissions: ":workspace" },
    // Of two names in one table, the server takes the profile.
    { config: { sandbox_mode: "workspace-write", default_permissions: ":read-only" } },
    { config: { sandbox_mode: "read-only", default_permissions: ":workspace" } },
    {
      sandbox: "workspace-write",
      config: { sandbox_workspace_write: { writable_roots: ["out", "~/notes", "/opt"] } },
    },
  ];

  /** The settings of a thread that is started in each way, here and with the server's own trust. */
  async function pairs({ path: cwd }: PlantedRepository) {
    const settings = async (more: StartThreadOptions) => {
      const all = [];
      for (const option of options) {
        const { opened } = await codex.startThread({ ...option, ...more, cwd });
        all.push(settingsIn(opened));
      }
      return all;
    };
    return { ours: await settings({}), servers: await settings({ trustProject: true }) };
  }

  test("nobody has said anything of", async () => {
    const { ours, servers } = await pairs(await plant());
    expect(ours).toEqual(servers);
    expect(ours[0]?.sandbox).toEqual({ type: "readOnly", networkAccess: false });
  });

  test("the user trusts: its configuration counts", async () => {
    const repository = await plant();
    await note(repository, "trusted");
    const { ours, servers } = await pairs(repository);
    expect(ours).toEqual(servers);
    const thread = await codex.startThread({ cwd: repository.path, sandbox: "workspace-write" });
    await prompt(thread);
    expect(repository.ran()).toBe(true);
  });

  test("the user does not trust: the server asks about more", async () => {
    const repository = await plant();
    await note(repository, "untrusted");
    const { ours, servers } = await pairs(repository);
    expect(ours).toEqual(servers);
    expect(ours).toMatchObject(options.map(() => ({ approvalPolicy: "untrusted" })));
    expect(repository.ran()).toBe(false);
  });

  function note(repository: PlantedRepository, trust: string): Promise<void> {
    const entry = `\n[projects."${repository.path}"]\ntrust_level = "${trust}"\n`;
    return appendFile(userConfig(stage.home), entry);
  }
});

test("the arguments of the server and the configuration of a thread are one table", async () => {
  const readOnly = { default_permissions: ":read-only" };
  const wanted = { config: { sandbox_mode: "workspace-write" } } as const;
  const reading = codexWith(readOnly);
  const { path: cwd } = await plant();
  const { opened } = await reading.startThread({ ...wanted, cwd });
  const trusting = await reading.startThread({ ...wanted, cwd, trustProject: true });
  expect(settingsIn(opened)).toEqual(settingsIn(trusting.opened));
  expect(opened).toMatchObject({ activePermissionProfile: { id: ":read-only" } });

  const writing = codexWith({ default_permissions: ":workspace" });
  const repository = await plant();
  const config = { sandbox_mode: "read-only" };
  const error = await rejection(writing.startThread({ cwd: repository.path, config }));
  expect(error).toBeInstanceOf(SandboxWidenedError);
  // As the error advises.
  expect(error.message).toContain("startThread({ sandbox })");
  const named = await writing.startThread({ cwd: repository.path, sandbox: "read-only" });
  expect(named.opened).toMatchObject({ sandbox: { type: "readOnly" } });
  expect(await noted(repository)).toBe(false);
});

describe("with trustProject, the server notes the trust and starts what the repository names", () => {
  const cases: [string, () => Codex, StartThreadOptions][] = [
    ["of the thread", () => codex, { trustProject: true }],
    ["of the client", () => codexWith({}, { trustProject: true }), {}],
  ];

  test.each(cases)("%s", async (_, start, options) => {
    const chosen = start();
    const repository = await plant();
    const cwd = repository.path;
    await chosen.startThread({ cwd, sandbox: "workspace-write", trustProject: false });
    expect(await noted(repository)).toBe(false);
    await chosen.startThread({ cwd, sandbox: "workspace-write", ...options });
    expect(await noted(repository)).toBe(true);
    await prompt(await chosen.startThread({ cwd, sandbox: "read-only" }));
    expect(repository.ran()).toBe(true);
  });
});

test("what it tells the model all the same, its instructions and its skills, can be kept out", async () => {
  const repository = await plant();
  const { path: cwd } = repository;
  const config = { project_doc_max_bytes: 0, skills: { include_instructions: false } };
  const thread = await codex.startThread({ cwd, sandbox: "workspace-write" });
  expect(thread.opened?.instructionSources).toEqual([path.join(cwd, "AGENTS.md")]);
  const heard = await prompt(thread);
  expect([heard.includes(instructions), heard.includes(skill)]).toEqual([true, true]);
  const deaf = await codex.startThread({ cwd, sandbox: "workspace-write", config });
  expect(deaf.opened?.instructionSources).toEqual([]);
  const told = await prompt(deaf);
  expect([told.includes(instructions), told.includes(skill)]).toEqual([false, false]);
  expect(repository.ran()).toBe(false);
});
