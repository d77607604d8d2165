import { settleWithin } from "../../async/timers.js";

/** How long an application may take to say who has sent a request, and what they may do (ms). */
const limitMs = 30_000;

/**
 * What a function of the application says. A browser that waits for it in vain would hold its connection, and what
 * hangs would never be found.
 *
 * @param name of the option, for the error.
 * @throws Error after 30 seconds.
 */
export async function withinLimit<T>(name: string, answer: T | Promise<T>): Promise<T> {
  // Packed up, since a user may be called "timeout", too.
  const told = await settleWithin(
    Promise.resolve(answer).then((value) => ({ value })),
    limitMs,
  );
  if (told !== "timeout") return told.value;
  throw new Error(
    `${name} has not answered within ${limitMs / 1_000} s. Give what it waits for a shorter limit.`,
  );
}
