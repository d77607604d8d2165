import { afterAll, beforeAll, expect, test } from "@jest/globals";
import path from "node:path";
import { AppServerClient } from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { configArgs, serverUnderTest } from "../support/raw-client.js";
import { RealStage } from "../support/real.js";
import { withoutNamespaces } from "../support/without-namespaces.js";

let stage: RealStage;

beforeAll(async () => {
  // By default, the tests have none, so that they run on every machine.
  stage = await RealStage.open({ sandbox: "workspace-write" });
});
afterAll(() => stage.close());

async function startWithout(): Promise<AppServerClient> {
  const { config = {}, ...options } = stage.options();
  const [command = "", ...before] = await withoutNamespaces();
  const args = [...before, serverUnderTest(), ...configArgs(config), "app-server"];
  return AppServerClient.start({ ...options, launch: { command, args } });
}

test("where namespaces are forbidden, the check tells it, though a turn completes", async () => {
  await using client = await startWithout();
  const check = await client.sandbox.check();
  expect(check).toMatchObject({
    works: false,
    reason: "forbidden",
    exitCode: 1,
    stderr: expect.stringMatching(/^(bwrap: |error building bubblewrap)/),
    message: expect.stringContaining("The system does not let the server make a sandbox"),
  });
  expect(await client.sandbox.check({ sandbox: "read-only" })).toMatchObject({ works: false });
  expect(await client.sandbox.check({ sandbox: "danger-full-access" })).toEqual({ works: true });

  const thread = await client.startThread();
  stage.model.enqueueFor(thread.id, reply.shell("echo hi"), reply.text("Done."));
  const { status, items } = await thread.run("Say hi.");
  expect(status).toBe("completed");
  expect(items).toContainEqual(
    expect.objectContaining({ type: "commandExecution", status: "failed" }),
  );
});

test("the check goes by the configuration, unless it is told which sandbox to try", async () => {
  const codex = stage.codex({
    config: { ...stage.options().config, sandbox_mode: "danger-full-access" },
  });
  expect(await codex.sandbox.check()).toEqual({ works: true });
  const own = await codex.sandbox.check({ sandbox: "workspace-write" });
  const { exitCode } = await codex.exec(["true"], { sandbox: "workspace-write" }).exit;
  expect(own.works).toBe(exitCode === 0);
});

test("a writable root that is missing is told from a system that forbids sandboxes", async () => {
  const codex = stage.codex();
  const writableRoots = [path.join(stage.project, "missing")];
  const check = await codex.sandbox.check({ sandbox: { type: "workspaceWrite", writableRoots } });
  const own = await codex.sandbox.check({ sandbox: "workspace-write" });
  // Where there are no sandboxes at all, that is what is wrong.
  if (own.works) expect(check).toMatchObject({ works: false, reason: "pathMissing" });
  else expect(check).toMatchObject({ works: false, reason: own.reason });
});
