import { describe, expect, test } from "@jest/globals";
import { chmod, readdir, readFile, readlink, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { safeLogger } from "../../../lib/async/logger.js";
import { AppServerClient, Codex } from "../../../lib/index.js";
import { RecordingFile } from "../../../lib/recording/recording-file.js";
import { Recorder } from "../../../lib/recording/recorder.js";
import { createRedaction } from "../../../lib/recording/redact.js";
import { FakeAppServer, replayServer } from "../../../lib/testing/index.js";
import { makeTempDir } from "../../support/temp-dir.js";

const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl";

/** Each is planted below, in a place of its own. */
const planted = [
  jwt,
  "sk-proj-abcdefghijklmnop",
  "ghp_abcdefghijklmnopqrst",
  "AKIAABCDEFGHIJKLMNOP",
  "someone.else@example.org",
  "hunter2-of-the-url",
  "value-of-an-env-entry",
  "value-of-a-header",
  "value-of-config-env",
  "value-of-a-written-key",
  "refresh-me-please",
  "plain-api-key",
  "secret-of-this-process",
  "assigned-in-a-command",
  "MIIEpAIBAAKCAQEA",
];

describe("secrets", () => {
  test("none of them reaches the file, wherever it stands in a message", async () => {
    await using directory = await makeTempDir();
    const record = path.join(directory.path, "session.jsonl");
    const server = new FakeAppServer({
      script: {
        on: {
          "account/read": [
            {
              respond: {
                account: { type: "chatgpt", email: "someone.else@example.org", planType: "pro" },
                requiresOpenaiAuth: true,
              },
            },
          ],
          "command/exec": [{ respond: { exitCode: 0, stdout: "", stderr: "" } }],
          "config/value/write": [{ respond: {} }],
          "account/login/start": [{ respond: { type: "apiKey" } }],
        },
      },
    });
    server.onTurn((turn) =>
      turn
        .command("deploy --with API_TOKEN=assigned-in-a-command", {
          output: `Authorization: Bearer ${jwt}\n-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEA\n`,
        })
        .reply(
          "It is sk-proj-abcdefghijklmnop or ghp_abcdefghijklmnopqrst, AKIAABCDEFGHIJKLMNOP, " +
            "https://me:hunter2-of-the-url@host/ and secret-of-this-process.",
        ),
    );
    process.env.RECORDING_TEST_SECRET = "secret-of-this-process";
    const codex = new Codex({ server, record });
    try {
      await codex.account();
      const client = await codex.client();
      await client.request("account/login/start", { type: "apiKey", apiKey: "plain-api-key" });
      await client.request("command/exec", {
        command: ["true"],
        env: { HARMLESS_NAME: "value-of-an-env-entry" },
      });
      await client.request("config/value/write", {
        keyPath: "mcp_servers.docs.env.ANY",
        value: "value-of-a-written-key",
        mergeStrategy: "replace",
      });
      server.notify("account/updated", {
        authMode: null,
        planType: null,
        refreshToken: "refresh-me-please",
      } as never);
      const thread = await codex.startThread({
        config: {
          "mcp_servers.docs.env.ANY": "value-of-config-env",
          mcp_servers: { docs: { http_headers: { "X-Anything": "value-of-a-header" } } },
        },
      });
      await thread.run("Deploy.");
    } finally {
      delete process.env.RECORDING_TEST_SECRET;
      await codex.close();
    }
    const sent = JSON.stringify(server.received);
    const text = await readFile(record, "utf8");
    expect(sent).toContain("plain-api-key");
    expect(text).toContain("deploy --with API_TOKEN=[redacted]");
    expect(planted.filter((secret) => text.includes(secret))).toEqual([]);
  });

  test("what is none stays: counts of tokens, names, cursors and paths", () => {
    const message = {
      params: {
        tokenUsage: { inputTokens: 12 },
        nextCursor: "abc",
        cwd: "/home/user/token/secret.ts",
        env: { A: null },
        environments: [{ environmentId: "local" }],
        text: "const token = next();",
        isSecret: true,
      },
    };
    expect(createRedaction({ SHORT_KEY: "abc" })(message)).toEqual(message);
  });
});

describe("the file", () => {
  test("is replaced, and nobody else may read it, though it was open to all", async () => {
    await using directory = await makeTempDir();
    const record = path.join(directory.path, "session.jsonl");
    await writeFile(record, "old");
    await chmod(record, 0o644);
    const client = await AppServerClient.connect(new FakeAppServer(), { record });
    await client.close();
    expect((await stat(record)).mode & 0o777).toBe(0o600);
    expect(await readFile(record, "utf8")).toMatch(/^\{"recording":1,/);
  });

  test("has each connection of a Codex, and how the server ended", async () => {
    await using directory = await makeTempDir();
    const record = path.join(directory.path, "session.jsonl");
    const server = new FakeAppServer();
    server.onNextTurn((turn) => turn.commentary("About to").crash());
    const codex = new Codex({ server, record, restart: { minDelayMs: 1, maxDelayMs: 1 } });
    const thread = await codex.startThread();
    const lost = await thread.run("Hi").catch((error: unknown) => error);
    expect(lost).toMatchObject({ code: "TRANSPORT_CLOSED", exitCode: 1 });
    await thread.run("Again");
    await codex.close();
    const lines = (await readFile(record, "utf8")).trimEnd().split("\n");
    const others = lines.filter((line) => !line.startsWith('{"dir":'));
    expect(others.map((line) => Object.keys(JSON.parse(line) as object)[0])).toEqual([
      "recording",
      "end",
      "recording",
    ]);

    // It ends in the replay as it did then, and goes on as it did.
    const replayed = await replayServer(record);
    const again = new Codex({ server: replayed, restart: { minDelayMs: 1, maxDelayMs: 1 } });
    const same = await again.startThread();
    expect(await same.run("Hi").catch((error: unknown) => error)).toMatchObject({
      code: "TRANSPORT_CLOSED",
      exitCode: 1,
    });
    expect(await same.run("Again")).toMatchObject({ finalResponse: "Hello from the fake server." });
    await again.close();
    replayed.assertDone();
  });

  test("a file that cannot be written is warned of once, and the connection works on", async () => {
    await using directory = await makeTempDir();
    const warnings: string[] = [];
    const logger = { warn: (text: string) => void warnings.push(text) };
    const record = path.join(directory.path, "missing", "session.jsonl");
    const codex = new Codex({ server: new FakeAppServer(), record, logger });
    const thread = await codex.startThread();
    expect((await thread.run("Hi")).status).toBe("completed");
    await codex.close();
    expect(warnings).toEqual(["The recording has stopped: its file cannot be written (ENOENT)."]);
  });

  // Only Linux has such files, whose mode is the kernel's.
  const onLinux = process.platform === "linux" ? test : test.skip;
  onLinux("a file whose mode cannot be set is closed at once", async () => {
    const file = "/proc/self/comm";
    const openFiles = async (): Promise<readonly string[]> => {
      const descriptors = await readdir("/proc/self/fd");
      const files = descriptors.map((one) => readlink(`/proc/self/fd/${one}`).catch(() => ""));
      return (await Promise.all(files)).filter((name) => name.endsWith("/comm"));
    };
    const warnings: string[] = [];
    const recording = new RecordingFile(file, safeLogger({ warn: (text) => warnings.push(text) }));
    await recording.write("one line\n");
    expect(warnings).toEqual([expect.stringContaining("cannot be written (EPERM)")]);
    expect(await openFiles()).toEqual([]);
    await recording.close();
  });

  test("lines that are no messages are recorded as text, long ones by their length", async () => {
    await using directory = await makeTempDir();
    const record = path.join(directory.path, "session.jsonl");
    const server = new FakeAppServer();
    const client = await AppServerClient.connect(server, { record });
    server.send("no json");
    server.send({ method: "long", params: { text: "x".repeat(9 * 1_048_576) } });
    await client.request("model/list", {});
    await client.close();
    const text = await readFile(record, "utf8");
    expect(text).toContain('{"dir":"in","text":"no json"}');
    expect(text).toMatch(/"text":"a line of 94\d{5} characters was left out"/);
    expect(text).toMatch(/"method":"model\/list"/);
  });

  test("a line that is longer than all that may wait does not end the recording", async () => {
    await using directory = await makeTempDir();
    const file = path.join(directory.path, "session.jsonl");
    const warnings: string[] = [];
    const logger = safeLogger({ warn: (text) => void warnings.push(text) });
    const recorder = new Recorder(file, logger, {});
    const connection = recorder.begin();
    const long = "x".repeat(65 * 1_048_576);
    connection.received(`${long}\n{"method":"after"}`);
    connection.sent(`${long}\n`);
    connection.ended(undefined);
    await recorder.finish();
    expect(warnings).toEqual([]);
    const lines = (await readFile(file, "utf8")).trimEnd().split("\n").slice(1);
    const text = `a line of ${long.length} characters was left out`;
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { dir: "in", text },
      { dir: "in", message: { method: "after" } },
      { dir: "out", text },
    ]);
  });

  test("an option that is no path is refused", () => {
    for (const record of ["", 7, true]) {
      expect(() => new Codex({ record } as never)).toThrow("record must be the path of a file");
    }
  });
});
