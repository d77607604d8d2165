import { expect } from "@jest/globals";
import { setImmediate } from "node:timers/promises";
import type { FleetStore } from "../../lib/fleet/index.js";

/** Repeats a call that fails while its database is away; no longer than the test runs that it is for. */
export async function persist<T>(call: () => Promise<T>, running: AbortSignal): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      expect(error).toMatchObject({ code: "STORE_UNAVAILABLE" });
      running.throwIfAborted();
      await setImmediate();
    }
  }
}

/** The numbers of a stream's events up to its end, as a viewer gets them who comes back when it loses its connection. */
export async function follow(
  store: FleetStore,
  id: string,
  running: AbortSignal,
): Promise<number[]> {
  const seen: number[] = [];
  for (;;) {
    const options = { maxBytes: 65_536, waitMs: 30_000, signal: running };
    const after = seen.at(-1) ?? 0;
    const page = await persist(() => store.streams.read(id, after, options), running);
    seen.push(...(page?.events ?? []).map(({ seq }) => seq));
    if (page?.ended) return seen;
    running.throwIfAborted();
  }
}
