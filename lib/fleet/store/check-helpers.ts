import { pause } from "../../async/timers.js";

/** Compares plain values by what JSON makes of them; the order of keys does not count. */
export function same(given: unknown, expected: unknown): void {
  const [one, other] = [canonical(given), canonical(expected)];
  if (one !== other) throw new Error(`it gives ${one} in the place of ${other}`);
}

function canonical(value: unknown): string {
  const sorted = (_key: string, each: unknown): unknown =>
    typeof each === "object" && each !== null && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([one], [other]) => (one < other ? -1 : 1)))
      : each;
  return JSON.stringify({ value }, sorted);
}

/** Fails unless the call rejects with an error of this code. */
export async function rejectsWith(code: string, call: () => Promise<unknown>): Promise<void> {
  try {
    await call();
  } catch (error) {
    same((error as { code?: unknown }).code, code);
    return;
  }
  throw new Error(`it does not reject with ${code}`);
}

/** Resolves once the check holds; fails when it does not for long. */
export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  const giveUp = Date.now() + 30_000;
  const { signal } = new AbortController();
  while (!(await holds())) {
    if (Date.now() > giveUp) throw new Error("it does not come true");
    await pause(20, signal);
  }
}
