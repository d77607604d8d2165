import type { AppServerClient } from "../../lib/client.js";
import type { Connect, Host } from "../../lib/session/host.js";

interface CountingHost {
  readonly host: Host;
  readonly connect: Connect;
  /** How many listeners its user has on it at this moment. */
  readonly listeners: () => number;
}

/** The host of a client, which counts the listeners that its user has on it. */
export function countingHost(client: AppServerClient): CountingHost {
  let count = 0;
  const counted = (stop: () => void): (() => void) => {
    count += 1;
    let stopped = false;
    return () => {
      if (!stopped) count -= 1;
      stopped = true;
      stop();
    };
  };
  const { host: real } = client;
  const { turns, slots, goals, scopes, known, backlogs, subagents, closed, signal, logger } = real;
  const { trustProject, configured, serverFiles, runtimeFile, experimentalApi } = real;
  const host: Host = {
    ...{ turns, slots, goals, scopes, known, backlogs, subagents, closed, signal, logger },
    ...{ trustProject, configured, serverFiles, runtimeFile, experimentalApi },
    get connectionSignal() {
      return real.connectionSignal;
    },
    call: (method, params, options) => real.call(method, params, options),
    request: (method, params, options) => real.request(method, params, options),
    available: () => real.available(),
    load: (threadId) => real.load(threadId),
    isLoaded: (threadId) => real.isLoaded(threadId),
    isAsked: (threadId, turnId) => real.isAsked(threadId, turnId),
    unload: (threadId) => {
      real.unload(threadId);
    },
    on: (method, listener) => counted(real.on(method, listener)),
    rateLimits: {
      get current() {
        return real.rateLimits.current;
      },
      onChange: (listener) => counted(real.rateLimits.onChange(listener)),
    },
  };
  return { host, connect: () => Promise.resolve(host), listeners: () => count };
}
