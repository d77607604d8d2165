/**
 * An iteration for one `for await`: an iterator that can be iterated, and returns nothing at its end.
 * TypeScript calls this `AsyncIterableIterator<T, undefined>` from 5.6 on only; older ones would take each
 * value as `any`.
 */
export interface AsyncIteration<T> extends AsyncIterator<T, undefined> {
  [Symbol.asyncIterator](): AsyncIteration<T>;
}
