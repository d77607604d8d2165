import { pause } from "../../async/timers.js";

/** How long connections that are cut may take to be gone (ms): ioredis waits for 2 s before it gives up a socket. */
const cutMs = 3_000;

/**
 * Waits for what closes and needs its database for that. When it takes longer than `ms`, it is cut off instead, and
 * what is not gone a little later is left alone. Resolves with whether it has closed by itself.
 */
export async function closeWithin(
  closing: Promise<unknown>,
  ms: number,
  cut: () => void,
): Promise<boolean> {
  if (await settles(closing, ms)) return true;
  cut();
  await settles(closing, cutMs);
  return false;
}

/** The time keeps the process alive: nothing else may, once the connections are gone. */
async function settles(closing: Promise<unknown>, ms: number): Promise<boolean> {
  const over = new AbortController();
  const late = pause(ms, over.signal).then(
    () => false,
    () => true,
  );
  try {
    return await Promise.race([closing.then(() => true), late]);
  } finally {
    over.abort();
  }
}
