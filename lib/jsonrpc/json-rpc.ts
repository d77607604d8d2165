import { randomUUID } from "node:crypto";
import { clearImmediate, clearInterval, clearTimeout } from "node:timers";
import { setImmediate, setInterval, setTimeout } from "node:timers";
import { createMessageConnection, RAL, type MessageConnection } from "vscode-jsonrpc";

// The package's entry for Node is hidden wherever packages are resolved as for a browser, as jest does in
// jsdom, and hides Node's own modules from bundlers. So this takes the part that needs no platform, and
// gives it the few things of a platform that a connection with a reader and a writer of our own asks for.

type Platform = ReturnType<typeof RAL>;

const platform: Pick<Platform, "console" | "crypto" | "timer"> = {
  // Its own lines may hold what was said.
  console: { info: ignore, log: ignore, warn: ignore, error: ignore },
  crypto: { randomUUID },
  timer: {
    setTimeout: (callback, ms, ...args: unknown[]) => {
      const timer = setTimeout(callback, ms, ...args);
      return {
        dispose: () => {
          clearTimeout(timer);
        },
      };
    },
    setImmediate: (callback, ...args: unknown[]) => {
      const immediate = setImmediate(callback, ...args);
      return {
        dispose: () => {
          clearImmediate(immediate);
        },
      };
    },
    setInterval: (callback, ms, ...args: unknown[]) => {
      const interval = setInterval(callback, ms, ...args);
      return {
        dispose: () => {
          clearInterval(interval);
        },
      };
    },
  },
};

/** `createMessageConnection`, with what it needs of a platform. */
export function createConnection(
  ...args: Parameters<typeof createMessageConnection>
): MessageConnection {
  if (!hasPlatform()) RAL.install(platform as Platform);
  return createMessageConnection(...args);
}

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
