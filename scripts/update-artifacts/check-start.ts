import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { bareEnvironment, runBinary, versionIn } from "../generate/run-binary.js";

/** How long each of the two may take to answer (ms). */
const patience = 60_000;

/**
 * Starts a runtime: its `--version` must be the one given, and its app-server must answer `initialize`. It
 * gets an empty home of its own. Nothing of the library takes part: its sources may not fit the protocol
 * that the project is moved from or to.
 */
export async function checkStart(
  binary: string,
  version: string,
  signal: AbortSignal,
): Promise<void> {
  const home = await mkdtemp(path.join(tmpdir(), "codex-start-"));
  try {
    const said = await askVersion(binary, home, signal);
    if (said !== version) {
      throw new Error(`${binary} calls itself ${said ?? "nothing"}, and should be ${version}.`);
    }
    await shakeHands(binary, home, signal);
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

async function askVersion(
  binary: string,
  home: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  const limit = AbortSignal.timeout(patience);
  const either = AbortSignal.any([signal, limit]);
  const asked = runBinary(binary, ["--version"], home, either).catch((error: unknown) => {
    throw limit.aborted ? new Error(`${binary} does not tell its version.`) : error;
  });
  return versionIn(await asked);
}

async function shakeHands(binary: string, home: string, signal: AbortSignal): Promise<void> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(patience)]);
  const child = spawn(binary, ["app-server"], {
    cwd: home,
    env: bareEnvironment(binary, home),
    stdio: ["pipe", "pipe", "ignore"],
  });
  const ended = once(child, "close").catch((error: unknown) => error);
  const stop = (): void => void child.kill("SIGKILL");
  limit.addEventListener("abort", stop, { once: true });
  try {
    // A server that has ended does not read any more; that it gives no answer says it all.
    child.stdin.on("error", () => undefined);
    const clientInfo = { name: "update-artifacts", title: null, version: "1.0.0" };
    const request = { id: 1, method: "initialize", params: { clientInfo } };
    child.stdin.write(`${JSON.stringify(request)}\n`);
    for await (const line of createInterface({ input: child.stdout })) {
      if (isAnswer(line)) return;
    }
    signal.throwIfAborted();
    throw new Error(`${binary} is started, but its app-server does not answer initialize.`);
  } finally {
    child.stdin.end();
    limit.removeEventListener("abort", stop);
    stop();
    await ended;
  }
}

function isAnswer(line: string): boolean {
  try {
    const message = JSON.parse(line) as { id?: unknown; result?: unknown };
    return message.id === 1 && typeof message.result === "object" && message.result !== null;
  } catch {
    return false;
  }
}
