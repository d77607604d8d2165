import { constants } from "node:os";

const signals = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

export interface Ended {
  /** Aborted by the first signal to end; its reason says which it was. */
  readonly signal: AbortSignal;
  /** As a shell has it for a program that a signal has ended; `undefined` without one. */
  readonly exitCode: number | undefined;
  /** From here on signals end this process as ever. */
  stop(): void;
}

/**
 * Turns Ctrl-C, and other signals to end, into an abort signal, so that everything is put back first.
 * Further ones change nothing about that.
 */
export function endOnSignals(log: (line: string) => void): Ended {
  const controller = new AbortController();
  let exitCode: number | undefined;
  const listeners = signals.map((name) => {
    const listener = (): void => {
      if (exitCode !== undefined) return;
      exitCode = 128 + constants.signals[name];
      log(`${name}: ending.`);
      controller.abort(new Error(`ended by ${name}; everything is as it was.`));
    };
    process.on(name, listener);
    return [name, listener] as const;
  });
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    stop: () => {
      for (const [name, listener] of listeners) process.off(name, listener);
    },
  };
}
