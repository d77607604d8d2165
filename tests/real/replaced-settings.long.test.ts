import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import {
  SettingNotAllowedError,
  SettingsLoosenedError,
  type Codex,
  type CodexOptions,
  type StartThreadOptions,
} from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { managedCodex } from "../support/managed-codex.js";
import { RealStage, rejection } from "../support/real.js";

const managed = await managedCodex(`
allowed_approval_policies = ["on-request", "never"]
allowed_approvals_reviewers = ["auto_review"]
allowed_sandbox_modes = ["read-only"]
`);
const silent = await managedCodex(`allowed_approval_policies = ["never"]`);
const only = managed && silent ? test : test.skip;
const why = managed ? "" : " [not offered: an administrator's requirements]";

let stage: RealStage;
/** The administrator requires nothing here, and the configuration says nothing of threads. */
let free: Codex;
let codex: Codex;
let warnings: string[] = [];

beforeAll(async () => {
  stage = await RealStage.open();
  stage.model.respond(() => reply.text("Done."));
  free = start({});
  codex = start({ codexPath: managed?.command, logger: { warn: (text) => warnings.push(text) } });
});
afterAll(async () => {
  await stage.close();
  await managed?.[Symbol.asyncDispose]();
  await silent?.[Symbol.asyncDispose]();
});

function start({ config, ...options }: CodexOptions): Codex {
  const unset = { sandbox_mode: undefined, approval_policy: undefined };
  return stage.codex({ ...options, config: { ...stage.options().config, ...unset, ...config } });
}

async function expectLoosened(promise: Promise<unknown>, setting: string): Promise<void> {
  const { length } = stage.model.requests;
  const error = await rejection(promise);
  expect(error).toBeInstanceOf(SettingsLoosenedError);
  expect(error).toMatchObject({ code: "SETTINGS_LOOSENED", setting });
  expect(stage.model.requests).toHaveLength(length);
}

/** A thread that an earlier process has made, and that nothing here has seen. */
async function stored(options: StartThreadOptions): Promise<string> {
  const thread = await free.startThread(options);
  await thread.run("Hi");
  // Two servers cannot have it at the same time.
  await thread.unsubscribe();
  await free.close();
  free = start({});
  return thread.id;
}

describe("a thread with looser settings than it was to have is not used", () => {
  only.each<[string, StartThreadOptions, string]>([
    ["the policy", { approvalPolicy: "untrusted" }, "approvalPolicy"],
    ["the reviewer", { approvalsReviewer: "user" }, "approvalsReviewer"],
    [
      "the reviewer in its configuration",
      { config: { approvals_reviewer: "user" } },
      "approvalsReviewer",
    ],
  ])(`when it is started: %s${why}`, async (_, options, setting) => {
    await expectLoosened(codex.startThread(options), setting);
    // In a directory, too.
    await expectLoosened(codex.startThread({ ...options, cwd: stage.project }), setting);
  });

  only(`when the configuration of the client has the policy${why}`, async () => {
    const config = { approval_policy: "on-request" } as const;
    const asking = start({ codexPath: silent?.command, config });
    await expectLoosened(asking.startThread(), "approvalPolicy");
    const thread = await asking.startThread({ approvalPolicy: "never" });
    expect(await thread.run("Hi")).toMatchObject({ finalResponse: "Done." });
    const overriding = start({
      codexPath: silent?.command,
      configOverrides: ['approval_policy = "on-request"'],
    });
    await expectLoosened(overriding.startThread(), "approvalPolicy");
  });

  only.each<[string, StartThreadOptions, StartThreadOptions, string]>([
    [
      "policy",
      { approvalPolicy: "untrusted", approvalsReviewer: "auto_review" },
      { approvalPolicy: "on-request" },
      "approvalPolicy",
    ],
    [
      "reviewer",
      { approvalPolicy: "on-request", approvalsReviewer: "user" },
      { approvalsReviewer: "auto_review" },
      "approvalsReviewer",
    ],
  ])(`when it is stored, whoever loads it: the %s${why}`, async (_, had, allowed, setting) => {
    const id = await stored(had);
    const asked: string[] = [];
    const handlers = { onApproval: () => (asked.push("asked"), "decline" as const) };
    const thread = codex.thread(id, handlers);
    await expectLoosened(thread.run("Hi"), setting);
    await expectLoosened(thread.run("Hi"), setting);
    await expectLoosened(codex.resumeThread(id), setting);
    await expectLoosened(codex.resumeThread(id, had), setting);
    await expectLoosened(thread.fork(), setting);
    await expectLoosened(thread.goal.set({ objective: "Tidy up." }), setting);
    await codex.resumeThread(id, allowed);
    expect(await thread.run("Hi")).toMatchObject({ finalResponse: "Done." });
    expect(asked).toEqual([]);
  });

  only(`when it is stored, and copied by its id${why}`, async () => {
    const id = await stored({ approvalPolicy: "untrusted", approvalsReviewer: "auto_review" });
    await expectLoosened(codex.forkThread(id), "approvalPolicy");
    await expectLoosened(codex.forkThread(id, { approvalPolicy: "untrusted" }), "approvalPolicy");
    const copy = await codex.forkThread(id, { approvalPolicy: "never" });
    expect(copy.opened).toMatchObject({ approvalPolicy: "never" });
  });
});

only(`a turn that names a forbidden setting is refused, and so is a change${why}`, async () => {
  const file = path.join(stage.project, "marker");
  const thread = await codex.startThread();
  stage.model.enqueueFor(thread.id, reply.shell(`touch ${file}`));
  const { length } = stage.model.requests;
  const settings = [
    { approvalPolicy: "untrusted" },
    { approvalsReviewer: "user" },
    { sandbox: "workspace-write" },
  ] as const;
  for (const forbidden of settings) {
    expect(await rejection(thread.run("Hi", forbidden))).toBeInstanceOf(SettingNotAllowedError);
    expect(await rejection(thread.updateSettings(forbidden))).toMatchObject({
      code: "SETTING_NOT_ALLOWED",
    });
  }
  expect(stage.model.requests).toHaveLength(length);
  expect(existsSync(file)).toBe(false);
});

test("input that is to be asked about more does not join a turn that asks nothing", async () => {
  const gate = reply.hold();
  const thread = await free.startThread({ approvalPolicy: "never" });
  stage.model.enqueueFor(thread.id, reply.text(["Half", gate, " and half."]));
  const turn = thread.turn("Hi");
  await gate.reached;
  const joining = thread.run("And", { whenBusy: "steer", approvalPolicy: "untrusted" });
  expect(await rejection(joining)).toMatchObject({ code: "THREAD_BUSY" });
  gate.release();
  expect(await turn.run()).toMatchObject({ finalResponse: "Half and half." });
});

only(`what is stricter than it was to have is used, and logged${why}`, async () => {
  const readOnly = { sandbox: { type: "readOnly" } };
  const granular = {
    sandbox_approval: true,
    rules: true,
    skill_approval: true,
    request_permissions: true,
    mcp_elicitations: true,
  };
  const cases: [string, StartThreadOptions, object][] = [
    ["sandbox", { sandbox: "workspace-write" }, readOnly],
    ["sandbox", { sandbox: "danger-full-access", cwd: stage.project }, readOnly],
    ["sandbox", { permissions: ":workspace", cwd: stage.project }, readOnly],
    ["sandbox", { permissions: ":workspace" }, readOnly],
    ["approvalPolicy", { approvalPolicy: { granular } }, { approvalPolicy: "on-request" }],
  ];
  // The server says itself what it replaces, and may say it behind its answer.
  const ours = () => warnings.filter((warning) => !warning.startsWith("The server warns"));
  for (const [setting, options, opened] of cases) {
    warnings = [];
    const thread = await codex.startThread(options);
    expect(thread.opened).toMatchObject(opened);
    expect(ours()).toEqual([expect.stringContaining(`replaced the ${setting}`)]);
  }
  warnings = [];
  await codex.startThread({ sandbox: "read-only", approvalPolicy: "never" });
  await codex.startThread({ approvalsReviewer: "guardian_subagent", cwd: stage.project });
  expect(ours()).toEqual([]);
});
