import { spawn } from "node:child_process";
import { once } from "node:events";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { configFor, type LoopbackModel } from "codex-app-server-sdk/testing";

/** A server that listens; usually it runs as a service, or in a container. */
export interface ListeningServer extends AsyncDisposable {
  /** Such as `ws://127.0.0.1:43210`. */
  readonly url: string;
}

/**
 * Starts a server as an administrator would (`codex app-server --listen ws://127.0.0.1:4500 …`), here with
 * a scripted model and on a free port. The server tells its port only on stderr.
 */
export async function startListening(
  model: LoopbackModel,
  args: readonly string[],
): Promise<ListeningServer> {
  const { config, env } = await configFor(model);
  const program = createRequire(import.meta.url).resolve("@openai/codex/bin/codex.js");
  const server = spawn(
    process.execPath,
    [program, ...flags(config), "app-server", "--listen", "ws://127.0.0.1:0", ...args],
    { env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "pipe"] },
  );
  const ended = once(server, "exit");
  let said = "";
  for await (const line of createInterface({ input: server.stderr })) {
    said += `${line}\n`;
    const url = /listening on: \S*?(ws:\/\/[\d.]+:\d+)/.exec(line)?.[1];
    if (url === undefined) continue;
    server.stderr.resume();
    return {
      url,
      [Symbol.asyncDispose]: async () => {
        server.kill();
        await ended;
      },
    };
  }
  throw new Error(`The server did not start: ${said}`);
}

/** `-c` flags for a nested configuration. */
function flags(config: object, prefix = ""): string[] {
  return Object.entries(config).flatMap(([key, value]: [string, unknown]) =>
    typeof value === "object" && value !== null
      ? flags(value, `${prefix}${key}.`)
      : ["-c", `${prefix}${key}=${JSON.stringify(value)}`],
  );
}
