/**
 * What `for await` goes through, once: an iterator that can be iterated, and returns nothing at its end.
 * TypeScript has `AsyncIterableIterator<T, undefined>` for this from 5.6 on only; older ones would take
 * each value as `any`.
 */
export interface AsyncIteration<T> extends AsyncIterator<T, undefined> {
  [Symbol.asyncIterator](): AsyncIteration<T>;
}
