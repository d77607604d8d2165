/** Resolves after `ms` milliseconds, when the network is back, or when `signal` aborts. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const { addEventListener: on, removeEventListener: off } = globalThis as Partial<EventTarget>;
    const over = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", over);
      off?.("online", over);
      resolve();
    };
    const timer = setTimeout(over, ms);
    signal.addEventListener("abort", over);
    on?.("online", over);
    if (signal.aborted) over();
  });
}
