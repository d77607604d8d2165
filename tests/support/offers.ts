import { test } from "@jest/globals";
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { RUNTIME_VERSION } from "../../generated/runtime.js";
import { TurnFailedError } from "../../lib/index.js";
import { reply, type Reply } from "../../lib/testing/index.js";
import { methodIndex } from "./schemas.js";
import { RealStage, rejection } from "./real.js";
import { makeTempDir } from "./temp-dir.js";

type AddTest = (name: string, run: () => Promise<void>, timeoutMs?: number) => void;

/** Tries something out on a stage of its own. */
type Probe = (stage: RealStage) => Promise<boolean>;

const run = promisify(execFile);

/** Another server than the pinned one, which may be older: see tests/runtimes. */
const otherServer = process.env.CODEX_PATH ?? "";

/**
 * `test`, for tests of something that an older server may lack. `feature` is a method, a notification
 * or a `Type.field`, which the server itself is asked for; anything else comes with a probe.
 *
 * Where the server does not offer it, the test is skipped, and its name says so: test:runtimes counts
 * these. The pinned server is never asked: it has to offer everything, and nothing is skipped. What only
 * older servers have is no part of it: there, a test of that is left out.
 */
export async function testWhere(feature: string, probe?: Probe): Promise<AddTest> {
  const offered = probe ? await tryOut(probe) : await offers(feature);
  return (name, body, timeoutMs) => {
    if (otherServer === "" && isOfOlderServers(feature)) return;
    if (offered) test(name, body, timeoutMs);
    else test.skip(`${name} [not offered: ${feature}]`, body, timeoutMs);
  };
}

/** Whether the server has a method, a notification or a `Type.field`, by its own account. */
export async function offers(name: string): Promise<boolean> {
  if (otherServer === "") return !isOfOlderServers(name);
  names ??= readNames();
  return (await names).has(name);
}

/** The version that the server under test has to tell. */
export async function runtimeVersion(): Promise<string> {
  if (otherServer === "") return RUNTIME_VERSION;
  const { stdout } = await run(otherServer, ["--version"]);
  return stdout.trim().split(" ").at(-1) ?? "";
}

/** A probe: whether a steer cuts the message that streams. Older servers let it end first. */
export async function steersCut(stage: RealStage): Promise<boolean> {
  const gate = reply.hold();
  stage.model.enqueue(reply.text(["Half", gate, " and half."]), reply.text("Steered."));
  const turn = (await stage.codex().startThread()).turn("Talk");
  await gate.reached;
  await turn.steer("Something else");
  // A server that cuts it asks the model again at once; the other kind would wait for ever.
  for (let wait = 0; wait < 40 && stage.model.requests.length < 2; wait += 1) await pause(50);
  const cut = stage.model.requests.length > 1;
  gate.release();
  await turn.run();
  return cut;
}

/** A probe: whether a turn that fails like this fails for this reason. */
export function tellsReason(failure: Reply, reason: string): Probe {
  return async (stage) => {
    stage.model.enqueue(failure);
    const thread = await stage.codex().startThread();
    const error = await rejection(thread.run("Hi"));
    return error instanceof TurnFailedError && error.reason === reason;
  };
}

/** The methods that the pinned server does not have any more, and that are kept for those that do. */
function isOfOlderServers(name: string): boolean {
  return Object.values(methodIndex).some((methods) => methods[name]?.lastRelease !== undefined);
}

let names: Promise<ReadonlySet<string>> | undefined;

async function readNames(): Promise<ReadonlySet<string>> {
  // Not `await using`: a test in jsdom has a `Symbol.asyncDispose` of its own.
  const folder = await makeTempDir();
  try {
    return await readNamesInto(folder.path);
  } finally {
    await folder.remove();
  }
}

async function readNamesInto(folder: string): Promise<ReadonlySet<string>> {
  const args = ["app-server", "generate-json-schema", "--experimental", "--out", folder];
  const env = { PATH: process.env.PATH, HOME: folder, CODEX_HOME: folder };
  await run(otherServer, args, { env });
  const file = path.join(folder, "codex_app_server_protocol.schemas.json");
  const { definitions } = JSON.parse(await readFile(file, "utf8")) as { definitions: Definitions };
  const all = { ...definitions, ...(definitions["v2"] as unknown as Definitions) };
  return new Set(Object.entries(all).flatMap(([type, shape]) => namesIn(type, shape)));
}

interface Shape {
  readonly oneOf?: readonly Shape[];
  readonly enum?: readonly string[];
  readonly properties?: Readonly<Record<string, Shape>>;
}
type Definitions = Readonly<Record<string, Shape>>;

/** The fields of a type, and the methods of a union of messages. */
function namesIn(type: string, shape: Shape): string[] {
  const fields = Object.keys(shape.properties ?? {}).map((field) => `${type}.${field}`);
  const methods = shape.properties?.["method"]?.enum ?? [];
  return [...fields, ...methods, ...(shape.oneOf ?? []).flatMap((one) => namesIn(type, one))];
}

async function tryOut(probe: Probe): Promise<boolean> {
  if (otherServer === "") return true;
  await using stage = await RealStage.open();
  return await probe(stage);
}
