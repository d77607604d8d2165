import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { promisify } from "node:util";
import * as fc from "fast-check";
import {
  TurnFailedError,
  type AppServerClient,
  type ClientRequestMethod,
} from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { recordingLogger } from "../contract/recording-logger.js";
import { RealStage, rejection } from "../support/real.js";
import { sampleOf } from "../support/sample-value.js";
import { methodIndex } from "../support/schemas.js";
import { Canaries, everythingShownOf } from "./canaries.js";

const canaries = new Canaries();
const logger = recordingLogger();
let stage: RealStage;
let client: AppServerClient;

beforeAll(async () => {
  stage = await RealStage.open();
  client = await stage.client({
    logger,
    env: { SECRET_OF_THE_TEST: canaries.of("environment") },
    config: { ...stage.options().config, model_reasoning_summary: "none" },
  });
});
afterAll(() => stage.close());

/** What every user of the machine can see of the server processes. */
async function commandLines(): Promise<string> {
  const pids = await stage.processes();
  expect(pids).not.toEqual([]);
  const { stdout } = await promisify(execFile)("ps", ["-ww", "-o", "args=", "-p", pids.join(",")]);
  return stdout;
}

test("no secret is in an argument of the server, whatever has been done with it", async () => {
  const thread = await client.startThread({ developerInstructions: canaries.of("instructions") });
  stage.model.enqueueFor(thread.id, reply.text(canaries.of("answer")));
  await thread.run(canaries.of("prompt"));
  await client.login.apiKey(canaries.of("api key"));
  await client.exec(["true"], { env: { KEY: canaries.of("environment of a command") } }).exit;
  const seen = await commandLines();
  expect(canaries.in(seen)).toEqual([]);
  // What is given as config is there for all to see, and the environment reached the server.
  expect(seen).toContain('model_reasoning_summary="none"');
  const { stdout } = await client.exec(["printenv", "SECRET_OF_THE_TEST"]).exit;
  expect(stdout.trim()).toBe(canaries.of("environment"));
  expect(canaries.in(logger.lines.join("\n"))).toEqual([]);
  await client.request("account/logout");
});

test("a turn that fails does not show its prompt, but tells it to who asks", async () => {
  const thread = await client.startThread();
  stage.model.enqueueFor(thread.id, reply.failed("invalid_prompt", "No."));
  const error = await rejection(thread.run(canaries.of("prompt")));
  expect(error).toBeInstanceOf(TurnFailedError);
  expect(canaries.in(everythingShownOf(error))).toEqual([]);
  expect(canaries.in(JSON.stringify((error as { result?: unknown }).result))).toEqual(["prompt"]);
  expect(canaries.in(logger.lines.join("\n"))).toEqual([]);
});

/** Names that the server did not find, and fields that it does not know: names, not contents. */
const namesOnly = [
  /no active (?:command\/exec|process) for process (?:id|handle) "<secret>"/,
  /failed to get info for environment `<secret>`/,
  /fuzzy file search session not found: <secret>/,
  /failed to resolve rollout path `[^`]*<secret>`/,
  /failed to compute git diff to remote for cwd: "<secret>"/,
  /MCP server (?:named )?'<secret>'/,
  /remote plugin skill read is not enabled for marketplace <secret>/,
  /(?:project|turn|thread section) not found: <secret>/,
  /expected active turn id `?<secret>`? but found/,
  /section <secret> does not exist/,
  /unknown field `<secret>`, (?:expected|there are no fields)/,
];

/** They would reach out of this machine, or end what the test stands on. */
const leftOut =
  /^(?:initialize$|feedback|marketplace|remote|thread\/realtime|account\/(?:login|logout|send)|plugin\/(?:install|share))/;

describe("a refusal of the real server quotes no value of a request", () => {
  const secret = canaries.of("param");

  test("whatever value is wrong, in whatever method", async () => {
    const thread = await client.startThread();
    await thread.run("Hello");
    let refusals = 0;
    const quoting: string[] = [];
    for (const [method, { params: type }] of Object.entries(methodIndex.clientRequests)) {
      if (leftOut.test(method) || type === null) continue;
      const sample = sampleOf(type) as Record<string, unknown>;
      const usual = "threadId" in sample ? { ...sample, threadId: thread.id } : sample;
      for (const params of withSecret(usual)) {
        if (typeof params !== "object" || params === null) continue;
        const calling = client.request(method as ClientRequestMethod, params, {
          timeoutMs: 5_000,
        });
        const error = await calling.then(
          () => undefined,
          (reason: unknown) => reason as Error,
        );
        if (!error) continue;
        refusals += 1;
        const shown = everythingShownOf(error);
        if (!shown.includes(secret)) continue;
        const message = error.message.replaceAll(secret, "<secret>");
        if (!namesOnly.some((pattern) => pattern.test(message))) quoting.push(message);
      }
    }
    expect(quoting).toEqual([]);
    expect(refusals).toBeGreaterThan(200);
    expect(canaries.in(logger.lines.join("\n"))).toEqual([]);
  }, 120_000);

  /** The value with the secret in the place of each of its parts, one at a time. */
  function* withSecret(value: unknown): Generator {
    yield secret;
    yield { [secret]: 1 };
    if (Array.isArray(value)) {
      yield [secret];
      for (const [index, inner] of value.entries()) {
        for (const changed of withSecret(inner)) yield value.with(index, changed);
      }
    } else if (typeof value === "object" && value !== null) {
      for (const [key, inner] of Object.entries(value)) {
        for (const changed of withSecret(inner)) yield { ...value, [key]: changed };
      }
    }
  }
});

test("what a configuration says, the real server reads, whatever its keys and texts are", async () => {
  const text = fc.string({ unit: "binary", maxLength: 12 });
  const odd = ["", ".", "a.b", '"', "\\", "\u0000", "\u2028", "__proto__", "=", "[x]", "ключ 😀"];
  const keys = [...odd, ...fc.sample(text, 150)];
  const values = fc.sample(text, keys.length);
  const entries = keys.map((key, index): [string, string] => [key, values[index] ?? ""]);
  const set = Object.fromEntries(entries);
  const { config } = stage.options();
  await using own = await stage.client({
    config: { ...config, shell_environment_policy: { set } },
  });
  const { config: read } = await own.request("config/read", {});
  const policy = read["shell_environment_policy"] as { set: Record<string, string> };
  expect(Object.entries(policy.set).sort()).toEqual(Object.entries(set).sort());
});
