import { getEventListeners } from "node:events";
import type { AppServerClient } from "../../../../lib/client.js";
import type { LinkedServer } from "../../../support/linked-server.js";
import { later } from "../../../support/linked-server.js";

/** The server's side of the one command that a test runs with `exec`. */
export class ExecScript {
  readonly #server: LinkedServer;

  constructor(server: LinkedServer) {
    this.#server = server;
    server.handle("command/exec", () => later);
  }

  get processId(): string {
    return this.#server.paramsOf("command/exec").at(-1)?.["processId"] as string;
  }

  /** Resolves when the command has come; there is a question behind it. */
  async started(): Promise<void> {
    await this.#server.nextRequest("command/exec");
  }

  output(bytes: string | Uint8Array, stream = "stdout", capReached = false): void {
    const deltaBase64 = Buffer.from(bytes as string).toString("base64");
    const { processId } = this;
    this.#server.notify("command/exec/outputDelta", { processId, stream, deltaBase64, capReached });
  }

  exit(exitCode = 0, output: { stdout?: string; stderr?: string } = {}): void {
    const request = this.#server.requests.findLast(({ method }) => method === "command/exec");
    if (!request) throw new Error("no command has come");
    this.#server.respond(request, { exitCode, stdout: "", stderr: "", ...output });
  }
}

export function abortListeners(signal: AbortSignal): number {
  return getEventListeners(signal, "abort").length;
}

/** How many listeners of a method the client's own have; each `on` is counted until it is stopped. */
export function countListeners(client: AppServerClient): Map<string, number> {
  const counts = new Map<string, number>();
  const { session } = client;
  const on = session.on.bind(session);
  session.on = (method, listener) => {
    counts.set(method, (counts.get(method) ?? 0) + 1);
    const stop = on(method, listener);
    return () => {
      counts.set(method, (counts.get(method) ?? 0) - 1);
      stop();
    };
  };
  return counts;
}
