import type { AsyncIteration } from "./async-iteration.js";

/**
 * Maps the values of an iteration. Leaving it leaves the one behind it, which a generator that has not
 * been started would not do.
 */
export function mapIterator<From, To>(
  iterator: AsyncIteration<From>,
  change: (value: From) => To,
): AsyncIteration<To> {
  const changed = (step: IteratorResult<From, undefined>): IteratorResult<To, undefined> =>
    step.done ? { value: undefined, done: true } : { value: change(step.value), done: false };
  return {
    next: () => iterator.next().then(changed),
    return: async () => {
      await iterator.return?.();
      return { value: undefined, done: true };
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
