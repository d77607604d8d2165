import { randomUUID } from "node:crypto";
import { clearImmediate, clearInterval, clearTimeout } from "node:timers";
import { setImmediate, setInterval, setTimeout } from "node:timers";
import {
  createMessageConnection,
  RAL,
  type MessageConnection,
  type MessageReader,
  type MessageWriter,
} from "vscode-jsonrpc";

// The package's entry for Node is hidden wherever packages are resolved as for a browser, as jest does in
// jsdom, and hides Node's own modules from bundlers. So this takes the part that needs no platform, and
// gives it the few things of a platform that a connection with a reader and a writer of our own asks for.

type Platform = ReturnType<typeof RAL>;

/** Its own log lines hold what was said; what matters is reported by us. */
const silent = { info: ignore, log: ignore, warn: ignore, error: ignore };

const platform: Pick<Platform, "console" | "crypto" | "timer"> = {
  console: silent,
  crypto: { randomUUID },
  timer: {
    setTimeout: (callback, ms, ...args: unknown[]) =>
      disposable(clearTimeout, setTimeout(callback, ms, ...args)),
    setImmediate: (callback, ...args: unknown[]) =>
      disposable(clearImmediate, setImmediate(callback, ...args)),
    setInterval: (callback, ms, ...args: unknown[]) =>
      disposable(clearInterval, setInterval(callback, ms, ...args)),
  },
};

function disposable<Timer>(clear: (timer: Timer) => void, timer: Timer): { dispose: () => void } {
  return { dispose: clear.bind(undefined, timer) };
}

/** `createMessageConnection`, with what it needs of a platform. */
export function createConnection(reader: MessageReader, writer: MessageWriter): MessageConnection {
  if (!hasPlatform()) RAL.install(platform as Platform);
  return createMessageConnection(reader, writer, silent, { maxParallelism });
}

/**
 * With a limit, however high, an answer is handed on at once; without one, in a turn of the event loop of
 * its own. The order of things is kept by our reader.
 */
const maxParallelism = Number.MAX_SAFE_INTEGER;

/** Another library in this process may have brought the whole of it. */
function hasPlatform(): boolean {
  try {
    RAL();
    return true;
  } catch {
    return false;
  }
}

function ignore(): void {}

export { AbstractMessageReader, AbstractMessageWriter, ParameterStructures } from "vscode-jsonrpc";
export type {
  DataCallback,
  Disposable,
  Message,
  MessageConnection,
  MessageWriter,
} from "vscode-jsonrpc";
