import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { AppServerClientOptions } from "../../lib/index.js";
import type { LoopbackConfig } from "../../lib/testing/index.js";

const model = fileURLToPath(new URL("model.ts", import.meta.url));

/** Options for the real server, with a model that does what the input of a turn says. */
export async function realServer(): Promise<
  AsyncDisposable & { readonly options: AppServerClientOptions }
> {
  const child = spawn(process.execPath, ["--import", "tsx", model], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const first = once(createInterface(child.stdout), "line") as Promise<unknown[]>;
  const [line] = await Promise.race([first, exited as Promise<unknown[]>]);
  if (typeof line !== "string") throw new Error("the model could not be started");
  return {
    options: JSON.parse(line) as LoopbackConfig,
    [Symbol.asyncDispose]: async () => {
      child.stdin.end();
      await exited;
    },
  };
}
