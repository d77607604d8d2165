import { PassThrough } from "node:stream";
import type { InProcessServer, Transport } from "../../lib/index.js";
import type { FakeAppServer } from "../../lib/testing/index.js";
import { validateNotification, validateResult, validateServerRequest } from "./schemas.js";

interface Line {
  readonly id?: unknown;
  readonly method?: string;
  readonly params?: unknown;
  readonly result?: unknown;
}

/** A fake server, every message of which is held against the generated schemas. */
export interface CheckedServer extends InProcessServer {
  /** How many messages it has sent. */
  readonly sent: number;
  /** What was wrong with them. */
  readonly problems: readonly string[];
}

export function checked(server: FakeAppServer): CheckedServer {
  const problems: string[] = [];
  let sent = 0;
  const check = (line: string): void => {
    const message = JSON.parse(line) as Line;
    sent += 1;
    problems.push(...problemsOf(message, server).map((each) => `${line}: ${each}`));
  };
  return {
    problems,
    get sent() {
      return sent;
    },
    connect(): Transport {
      const transport = server.connect();
      const input = new PassThrough();
      // Each chunk of the fake server is a line.
      transport.input.on("data", (chunk: Buffer) => {
        check(chunk.toString());
        input.write(chunk);
      });
      transport.input.on("end", () => input.end());
      return { ...transport, input, stderrTail: () => transport.stderrTail?.() ?? "" };
    },
  };
}

function problemsOf({ id, method, params, result }: Line, server: FakeAppServer): string[] {
  if (method !== undefined && id === undefined) return validateNotification(method, params);
  if (method !== undefined) return validateServerRequest(method, params);
  // A refusal has one form for all methods.
  if (result === undefined) return [];
  const request = server.received.findLast((each) => each.id === id && each.method !== undefined);
  return validateResult(request?.method ?? "", result);
}
