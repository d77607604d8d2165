import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import { chmod, writeFile } from "node:fs/promises";
import path from "node:path";
import { AppServerClient } from "../../lib/client.js";
import { RequestTimeoutError, TransportClosedError } from "../../lib/errors/connection-errors.js";
import { InvalidRequestError } from "../../lib/errors/rpc-errors.js";
import { BinaryNotFoundError, HandshakeError, SpawnError } from "../../lib/errors/start-errors.js";
import type { AppServerClientOptions } from "../../lib/options/options.js";
import { type Script, ScriptedServer } from "../support/scripted-server.js";
import { makeTempDir, type TempDir } from "../support/temp-dir.js";
import { errorOf } from "./error-of.js";

/** How starting a client on the script fails; no process may be left by then. */
async function startFailure(script: Script, options: AppServerClientOptions = {}): Promise<Error> {
  await using server = await ScriptedServer.create(script);
  const error = await errorOf(server.start(options));
  expect(await server.pids()).toHaveLength(1);
  expect(await server.alive()).toEqual([]);
  return error;
}

describe("a process that does not become an app-server", () => {
  test("because it never answers", async () => {
    const error = await startFailure({ on: { initialize: [] } }, { startTimeoutMs: 300 });
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error.message).toBe(
      "The process did not answer within 300 ms; it may not be a codex app-server. " +
        "Raise startTimeoutMs if it only needs longer.",
    );
    expect(error.cause).toBeInstanceOf(RequestTimeoutError);
  });

  test("because it never answers, and ignores being asked to end", async () => {
    const script: Script = { on: { initialize: [] }, survives: ["EOF", "SIGTERM"] };
    const error = await startFailure(script, { startTimeoutMs: 300 });
    expect(error).toBeInstanceOf(HandshakeError);
  });

  test("because it ends at once, saying why on stderr", async () => {
    const reason = "Error: CODEX_HOME points to a place that does not exist";
    const error = await startFailure({ start: [{ stderr: `${reason}\n` }, { exit: 1 }] });
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error).toMatchObject({ code: "HANDSHAKE_FAILED", stderrTail: `${reason}\n` });
    expect(error.message).toContain("ended with code 1 before it answered");
    expect(error.message).toContain(reason);
    expect(error.cause).toBeInstanceOf(TransportClosedError);
    expect(error.cause).toMatchObject({ method: "initialize", exitCode: 1, signal: null });
  });

  test("because it ends without a word", async () => {
    const error = await startFailure({ start: [{ exit: 0 }] });
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error.message).toContain("ended with code 0 before it answered");
    expect(error).toMatchObject({ stderrTail: "" });
  });

  test("because it ends after it was asked", async () => {
    const error = await startFailure({ on: { initialize: [{ exit: 3 }] } });
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error.message).toContain("ended with code 3 before it answered");
  });

  test("because it is killed", async () => {
    const error = await startFailure({ on: { initialize: [{ kill: "SIGKILL" }] } });
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error.message).toContain("was ended by SIGKILL before it answered");
    expect(error.cause).toMatchObject({ exitCode: null, signal: "SIGKILL" });
  });

  test("because it refuses the handshake", async () => {
    const refuse = { code: -32_600, message: "Invalid clientInfo.name" };
    const error = await startFailure({ on: { initialize: [{ refuse }] } });
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error.message).toContain("did not accept the handshake");
    expect(error.message).toContain("Invalid clientInfo.name");
    expect(error.cause).toBeInstanceOf(InvalidRequestError);
  });

  test("because it prints something else and ends", async () => {
    const error = await startFailure({
      start: [
        { line: "Usage: some-program [OPTIONS]" },
        { line: '{"usage": true}' },
        { stderr: "unknown command" },
        { exit: 2 },
      ],
    });
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error.message).toContain("ended with code 2 before it answered");
    expect(error).toMatchObject({ stderrTail: "unknown command" });
  });

  test("because it closes its output and lives on", async () => {
    const error = await startFailure({ on: { initialize: [{ close: "stdout" }] } });
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error.cause).toBeInstanceOf(TransportClosedError);
  });
});

describe("a start that is aborted", () => {
  test("beforehand starts nothing and rejects with the reason", async () => {
    await using server = await ScriptedServer.create();
    const reason = new Error("not now");
    const error = await errorOf(server.start({ signal: AbortSignal.abort(reason) }));
    expect(error).toBe(reason);
    expect(await server.log()).toEqual([]);
  });

  test.each([new Error("enough"), "only text", { any: "object" }])(
    "while the server is silent rejects with the very reason, %p",
    async (reason) => {
      const controller = new AbortController();
      await using server = await ScriptedServer.create({
        on: { initialize: [{ stderr: "asked" }] },
      });
      const starting = server.start({
        signal: controller.signal,
        onStderr: () => {
          controller.abort(reason);
        },
      });
      expect(await starting.catch((error: unknown) => error)).toBe(reason);
      expect(await server.alive()).toEqual([]);
      expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    },
  );

  test("or fails by itself leaves no listener on the signal", async () => {
    const { signal } = new AbortController();
    await startFailure({ start: [{ exit: 1 }] }, { signal });
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

describe("an executable that cannot be started", () => {
  let temp: TempDir;
  let file: string;

  beforeEach(async () => {
    temp = await makeTempDir();
    file = path.join(temp.path, "codex");
  });

  afterEach(async () => {
    await temp.remove();
  });

  const start = (codexPath: string) => errorOf(AppServerClient.start({ codexPath }));

  test("because it is missing", async () => {
    const error = await start(file);
    expect(error).toBeInstanceOf(BinaryNotFoundError);
    expect(error.message).toContain(file);
    expect(await errorOf(AppServerClient.start({ launch: { command: file } }))).toBeInstanceOf(
      BinaryNotFoundError,
    );
  });

  test("because it is not executable", async () => {
    await writeFile(file, "#!/bin/sh\n", { mode: 0o644 });
    const error = await start(file);
    expect(error).toBeInstanceOf(SpawnError);
    expect(error.message).toContain(`it is not executable. Run: chmod +x ${file}`);
    expect(await errorOf(AppServerClient.start({ launch: { command: file } }))).toBeInstanceOf(
      SpawnError,
    );
  });

  test("because it is built for another machine", async () => {
    // A 64-bit little-endian ELF header for SPARC.
    const header = Buffer.alloc(64);
    header.write("\u007fELF\u0002\u0001\u0001", "latin1");
    header.writeUInt16LE(43, 18);
    await writeFile(file, header, { mode: 0o755 });
    const error = await start(file);
    expect(error).toBeInstanceOf(SpawnError);
    expect(error.message).toContain("this machine is");
  });

  test("or ends at once with a message explains it like any other process", async () => {
    await writeFile(file, "#!/bin/sh\necho 'no such option' >&2\nexit 64\n");
    await chmod(file, 0o755);
    const error = await start(file);
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error.message).toContain("ended with code 64");
    expect(error.message).toContain("no such option");
  });
});
