import { AnswerText } from "../../lib/turns/answer-text.js";
import { MessageUpdates } from "../../lib/turns/message-updates.js";
import type { SomeEvent } from "../../lib/messages/superseding.js";

/** Everything that an iteration yields, once it has ended. */
export async function collect<T>(iterable: AsyncIterable<T>): Promise<T[]> {
  const values: T[] = [];
  for await (const value of iterable) values.push(value);
  return values;
}

/** The text that `textStream()` gives for these events. */
export function streamedText(events: readonly SomeEvent[]): string {
  const messages = new MessageUpdates();
  const text = new AnswerText();
  return events
    .flatMap((event) => {
      text.observe(event);
      return messages.next(event).map((update) => text.next(update, "answer"));
    })
    .join("");
}

/** What a promise rejects with; fails when it resolves. */
export async function rejection(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    () => ({ rejected: false as const }),
    (reason: unknown) => ({ rejected: true as const, reason }),
  );
  if (!outcome.rejected) throw new Error("The promise resolved; it should have been rejected.");
  return outcome.reason;
}

/** Lets everything run that is due already: microtasks, streams and immediates, several times over. */
export async function settled(): Promise<void> {
  for (let round = 0; round < 10; round += 1) await new Promise(setImmediate);
}

/** Lets time pass, as `step` does, until the promise has settled; fails when that takes too long. */
export async function stepUntil(
  promise: Promise<unknown>,
  step: () => Promise<void> | void,
): Promise<void> {
  const pending = new Set([promise]);
  const done = (): void => {
    pending.clear();
  };
  promise.then(done, done);
  for (let count = 0; pending.size > 0; count += 1) {
    if (count === 300) throw new Error("The promise has not settled.");
    await step();
    await settled();
  }
}
