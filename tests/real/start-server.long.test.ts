import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  AppServerClient,
  BinaryNotFoundError,
  ExperimentalApiError,
  HandshakeError,
  InvalidRequestError,
  RUNTIME_VERSION,
  SpawnError,
} from "../../lib/index.js";
import { configFor, reply } from "../../lib/testing/index.js";
import { runtimeVersion } from "../support/offers.js";
import { next, RealStage, rejection } from "../support/real.js";

const version = await runtimeVersion();
let stage: RealStage;

beforeAll(async () => {
  stage = await RealStage.open();
});
afterAll(() => stage.close());

function startFails(...args: Parameters<RealStage["options"]>): Promise<Error> {
  return rejection(AppServerClient.start(stage.options(...args)));
}

describe("a started server", () => {
  test("tells its version, its home and its platform", async () => {
    await using client = await stage.client();
    expect(client.serverInfo).toMatchObject({ version, codexHome: stage.home });
    expect(client.serverInfo.platformFamily).toMatch(/^(unix|windows)$/);
    expect(client.serverInfo.platformOs).toMatch(/^(linux|macos|windows)$/);
  });

  test("names the application to the model provider", async () => {
    const clientInfo = { name: "my app (v2)/1.0.0", title: "My app", version: "3.2.1" };
    await using client = await stage.client({ clientInfo });
    expect(client.serverInfo.version).toBe(version);
    expect(client.serverInfo.userAgent).toMatch(/^my app \(v2\)\/1\.0\.0\/.*; 3\.2\.1\)$/);
    await (await client.startThread()).run("Hi");
    expect(stage.model.requests.at(-1)?.headers["user-agent"]).toBe(client.serverInfo.userAgent);
  });

  test("has the environment and the configuration it was given, and nothing inherited", async () => {
    process.env.REAL_TEST_INHERITED = "inherited";
    const { config = {} } = stage.options();
    const env = { PATH: process.env.PATH, REAL_TEST_OWN: "own" };
    await using client = await stage
      .client({
        env,
        inheritEnv: false,
        config: { ...config, model_reasoning_effort: "high", tools: { view_image: false } },
        configOverrides: ["model_reasoning_effort=low", "hide_agent_reasoning=true"],
      })
      .finally(() => delete process.env.REAL_TEST_INHERITED);

    const { config: read } = await client.request("config/read", {});
    expect(read).toMatchObject({
      model_provider: "mock",
      model_reasoning_effort: "low",
      hide_agent_reasoning: true,
    });
    const { stdout } = await client.request("command/exec", {
      command: [process.execPath, "-p", "JSON.stringify(process.env)"],
      sandboxPolicy: { type: "dangerFullAccess" },
    });
    const seen = JSON.parse(stdout) as Record<string, string>;
    expect(seen).toMatchObject({ REAL_TEST_OWN: "own", CODEX_HOME: stage.home });
    expect(seen).not.toHaveProperty("REAL_TEST_INHERITED");
  });

  test("inherits the environment by default, less what is undefined", async () => {
    process.env.REAL_TEST_KEPT = "kept";
    process.env.REAL_TEST_REMOVED = "removed";
    await using client = await stage
      .client({ env: { REAL_TEST_REMOVED: undefined } })
      .finally(() => {
        delete process.env.REAL_TEST_KEPT;
        delete process.env.REAL_TEST_REMOVED;
      });
    const { stdout } = await client.request("command/exec", {
      command: [process.execPath, "-p", "JSON.stringify(process.env)"],
      sandboxPolicy: { type: "dangerFullAccess" },
    });
    const seen = JSON.parse(stdout) as Record<string, string>;
    expect(seen).toHaveProperty("REAL_TEST_KEPT", "kept");
    expect(seen).not.toHaveProperty("REAL_TEST_REMOVED");
  });

  test("does not send the notifications that were opted out of", async () => {
    const optOutNotificationMethods = ["item/agentMessage/delta"];
    await using client = await stage.client({ optOutNotificationMethods });
    const methods: string[] = [];
    const thread = await client.startThread();
    stage.model.enqueueFor(thread.id, reply.text(["No ", "deltas."]));
    const turn = thread.turn("Hi");
    for await (const { method } of turn) methods.push(method);
    expect(methods).toContain("item/completed");
    expect(methods).not.toContain("item/agentMessage/delta");
    expect(await turn.run()).toMatchObject({ finalResponse: "No deltas." });
  });

  test("refuses experimental methods and fields when they are switched off", async () => {
    await using client = await stage.client({ experimentalApi: false });
    const thread = await client.startThread();
    const method = await rejection(client.request("thread/queue/list", { threadId: thread.id }));
    expect(method).toBeInstanceOf(ExperimentalApiError);
    expect(method.message).toContain("experimentalApi: true");
    const field = await rejection(client.startThread({ dynamicTools: [] }));
    expect(field).toBeInstanceOf(ExperimentalApiError);
    expect(field.message).toContain("thread/start.dynamicTools");
    await expect(thread.run("Hi")).resolves.toMatchObject({ status: "completed" });
  });

  test("starts with a broken config.toml, warns, and says at the first thread what is wrong", async () => {
    const { env, config } = await configFor(stage.model);
    await writeFile(path.join(env.CODEX_HOME ?? "", "config.toml"), "model = = secret-value\n");
    await using client = await AppServerClient.start({ env, config });
    // It is sent right behind the handshake's answer, so that listening now is early enough.
    const [warning, error] = await Promise.all([
      next(client, "configWarning"),
      rejection(client.startThread()),
    ]);
    expect(warning).toMatchObject({ path: expect.stringContaining("config.toml") });
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error.message).toMatch(/failed to load configuration: .*config\.toml:1:9/);
    expect(error.message).not.toContain("secret-value");
  });
});

describe("a start that fails", () => {
  test("because CODEX_HOME is missing gives the server's own words, and leaves no process", async () => {
    const error = await startFails({ env: { CODEX_HOME: path.join(stage.home, "missing") } });
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error.message).toContain("ended with code 1");
    expect(error.message).toMatch(/CODEX_HOME points to .*missing.*does not exist/);
    expect(await stage.processes()).toEqual([]);
  });

  test("because of a wrong configuration names the key, not the value", async () => {
    for (const options of [
      { config: { approvals_reviewer: "secret-value" } },
      { configOverrides: ['model_providers.mock="secret-value"'] },
    ]) {
      const error = await startFails(options);
      expect(error).toBeInstanceOf(HandshakeError);
      expect(error.message).toMatch(/in `(approvals_reviewer|model_providers\.mock)`/);
      expect(error.message).not.toContain("secret-value");
    }
    expect(await stage.processes()).toEqual([]);
  });

  test("because there is no such runtime names the place and the remedy", async () => {
    const codexPath = path.join(stage.project, "no-codex");
    const error = await startFails({ codexPath });
    expect(error).toBeInstanceOf(BinaryNotFoundError);
    expect(error.message).toContain(codexPath);
    expect(error.message).toContain(`npm install @openai/codex@${RUNTIME_VERSION}`);
  });

  test("because the file is not executable says so", async () => {
    const codexPath = path.join(stage.project, "codex-not-executable");
    // The beginning of a program for this machine.
    await writeFile(codexPath, (await readFile(process.execPath)).subarray(0, 4_096));
    const error = await startFails({ codexPath });
    expect(error).toBeInstanceOf(SpawnError);
    expect(error.message).toContain(`chmod +x ${codexPath}`);
  });

  test("because the program is built for another machine says for which", async () => {
    const codexPath = path.join(stage.project, "codex-of-another-machine");
    const otherMachine = process.arch === "arm64" ? 0x3e : 0xb7;
    const header = Buffer.alloc(64);
    Buffer.from([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]).copy(header);
    header.writeUInt16LE(2, 16);
    header.writeUInt16LE(otherMachine, 18);
    await writeFile(codexPath, header, { mode: 0o755 });
    const error = await startFails({ codexPath });
    expect(error).toBeInstanceOf(SpawnError);
    expect(error.message).toMatch(/built for (arm64|x64)/);
  });
});

describe("a Codex", () => {
  test("starts nothing before it is needed, and one server for calls that come together", async () => {
    await using codex = stage.codex();
    expect(await stage.processes()).toEqual([]);
    const [ready, thread, client] = await Promise.all([
      codex.ready(),
      codex.startThread(),
      codex.client(),
    ]);
    expect(await stage.processes()).toHaveLength(1);
    expect(ready.serverInfo).toBe(client.serverInfo);
    await expect(thread.run("Hi")).resolves.toMatchObject({ status: "completed" });
  });

  test("works with the next call when what kept it from starting is mended", async () => {
    const CODEX_HOME = path.join(stage.home, "created-later");
    await using codex = stage.codex({ env: { CODEX_HOME } });
    const failures = await Promise.all([rejection(codex.ready()), rejection(codex.startThread())]);
    for (const failure of failures) expect(failure).toBeInstanceOf(HandshakeError);
    expect(await stage.processes()).toEqual([]);
    await mkdir(CODEX_HOME);
    const { serverInfo } = await codex.ready();
    expect(serverInfo.codexHome).toBe(CODEX_HOME);
  });

  test("that is closed while it starts leaves no process, and starts no more", async () => {
    const codex = stage.codex();
    const outcomes = Promise.allSettled([codex.ready(), codex.startThread()]);
    await codex.close();
    expect(await stage.processes()).toEqual([]);
    await outcomes;
    await expect(codex.ready()).rejects.toMatchObject({ code: "TRANSPORT_CLOSED" });
    expect(await stage.processes()).toEqual([]);
  });
});
