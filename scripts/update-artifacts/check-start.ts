import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { AppServerClient } from "../../lib/client.js";
import { requireVersion, runBinary } from "../generate/run-binary.js";

/**
 * Starts a runtime: its `--version` must be the one given, and its app-server must shake hands with this
 * library. It gets an empty home of its own.
 */
export async function checkStart(
  binary: string,
  version: string,
  signal: AbortSignal,
): Promise<void> {
  const home = await mkdtemp(path.join(tmpdir(), "codex-start-"));
  try {
    requireVersion(await runBinary(binary, ["--version"], home), version);
    signal.throwIfAborted();
    const client = await AppServerClient.start({
      codexPath: binary,
      codexHome: home,
      env: { CODEX_APP_SERVER_DISABLE_MANAGED_CONFIG: "1", OPENAI_API_KEY: "" },
      signal,
    });
    await client.close();
  } finally {
    await rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}
