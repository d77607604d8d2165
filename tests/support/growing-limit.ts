/**
 * Makes an attempt with ever longer limits (ms), until one has left enough time for what it is about:
 * a fast machine takes the first, and a slow one is given what it needs.
 */
export async function withGrowingLimit<T>(
  attempt: (limitMs: number) => Promise<T>,
  wasEnough: (outcome: T) => boolean,
): Promise<T> {
  let outcome = await attempt(500);
  for (let limitMs = 2_000; limitMs <= 32_000 && !wasEnough(outcome); limitMs *= 4) {
    outcome = await attempt(limitMs);
  }
  return outcome;
}
