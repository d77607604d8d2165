import { constants } from "node:os";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Turns the first Ctrl-C, or another signal to end, into an abort signal, so that the server that was started
 * ends first. The second one ends this process at once.
 */
export function endOnSignals(): { readonly signal: AbortSignal; readonly exitCode?: number } {
  const controller = new AbortController();
  const ended: { signal: AbortSignal; exitCode?: number } = { signal: controller.signal };
  const stop = (name: NodeJS.Signals): void => {
    for (const each of signals) process.off(each, stop);
    ended.exitCode = 128 + constants.signals[name];
    controller.abort();
  };
  for (const name of signals) process.on(name, stop);
  return ended;
}
