import { writeFile } from "node:fs/promises";
import path from "node:path";
import { configArgs } from "../../lib/runtime/config-args.js";
import { configFor, type LoopbackModel } from "../../lib/testing/index.js";

/** A home whose configuration makes a bare `new Codex()` talk to the loopback model. */
export async function loopbackHome(model: LoopbackModel): Promise<NodeJS.ProcessEnv> {
  const { env, config } = await configFor(model);
  const toml = configArgs(config).filter((argument) => argument !== "-c");
  await writeFile(path.join(env["CODEX_HOME"] ?? "", "config.toml"), `${toml.join("\n")}\n`);
  return { ...process.env, ...env, CODEX_PATH: "" };
}
