/**
 * On a server that is older than the oldest supported one. `npm run test:runtimes` runs this, with
 * such a server in CODEX_PATH; `npm test` does not.
 */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { AppServerClient, IncompatibleServerError } from "../../lib/index.js";
import { minimumServerVersion } from "../../lib/session/server-info.js";
import { reply } from "../../lib/testing/index.js";
import { runtimeVersion } from "../support/offers.js";
import { RealStage, rejection } from "../support/real.js";

let stage: RealStage;

beforeAll(async () => {
  stage = await RealStage.open();
});
afterAll(() => stage.close());

test("a client refuses it, says which version it needs, and leaves no process behind", async () => {
  const version = await runtimeVersion();
  const error = await rejection(AppServerClient.start(stage.options()));
  expect(error).toBeInstanceOf(IncompatibleServerError);
  expect(error.message).toContain(version);
  expect(error.message).toContain(minimumServerVersion);
  expect(await stage.processes()).toEqual([]);
});

test("so does a Codex, with each call", async () => {
  const codex = stage.codex();
  expect(await rejection(codex.ready())).toBeInstanceOf(IncompatibleServerError);
  expect(await rejection(codex.startThread())).toBeInstanceOf(IncompatibleServerError);
  expect(await stage.processes()).toEqual([]);
});

test("with allowUnsupportedServer it starts, and a turn runs", async () => {
  const warnings: string[] = [];
  const logger = { warn: (message: string) => warnings.push(message) };
  const codex = stage.codex({ allowUnsupportedServer: true, logger });
  const thread = await codex.startThread();
  stage.model.enqueueFor(thread.id, reply.shell("echo hi"), reply.text("Done."));
  const { status, finalResponse, items } = await thread.run("Run");
  expect([status, finalResponse]).toEqual(["completed", "Done."]);
  expect(items.map(({ type }) => type)).toContain("commandExecution");
  expect(warnings.join()).toContain(`is older than ${minimumServerVersion}; unsupported.`);
});
