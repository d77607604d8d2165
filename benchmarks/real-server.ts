import { configArgs } from "../lib/runtime/config-args.js";
import { configFor, startLoopbackModel } from "../lib/testing/index.js";
import { nativeCodexPath } from "../tests/support/raw-client.js";

export interface RealServer {
  /** What contenders need to start the native binary against the model; they run in `home`. */
  readonly env: NodeJS.ProcessEnv;
  /** An empty directory: nothing of the user's is read, nothing of theirs is written. */
  readonly home: string;
  close(): Promise<void>;
}

/** A model in this process, which answers every contender alike, and what leads the real server to it. */
export async function openRealServer(): Promise<RealServer> {
  const model = await startLoopbackModel();
  const { env, config } = await configFor(model);
  const command = nativeCodexPath();
  const args = [...configArgs(config), "app-server"];
  return {
    env: { ...env, BENCH_SERVER: JSON.stringify({ command, args, env, config }) },
    home: env["CODEX_HOME"] ?? "",
    close: () => model.close(),
  };
}
