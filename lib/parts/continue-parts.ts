import type { AsyncIteration } from "../async/async-iteration.js";
import { ContinuedParts, type ContinueOptions } from "./continued-parts.js";
import type { TurnPart } from "./turn-part.js";

/**
 * Goes on with the parts of a turn in another process: `logged` are those that a process has told that died, and `parts`
 * those of the same turn as this one sees them, which begin with the items that are complete and miss what was told of
 * the open ones. It yields what a viewer lacks who has seen `logged`: no item, request or message of the user twice, what
 * was open to its end, and one `end`.
 *
 * - A message, piece of reasoning or output that was open gets what is missing, once it is told again, or is reset and told
 *   anew. One that ends before anybody tells its whole text gets a `gap`.
 * - A message that is not told again was taken back, unless a steer or the end of the turn has cut it.
 * - A request that was open is not asked again: its key is the same in every process. When its call ends, or the turn, it
 *   has ended, too; see `pending`.
 * - Plans, diffs, warnings, usage and attempts that nobody has heard are not told again by the server, and are missing.
 *
 * Leaving the iteration leaves `parts`. When `logged` has the `end` already, nothing is yielded, and they are left, too.
 */
export function continueParts(
  logged: Iterable<TurnPart>,
  parts: AsyncIteration<TurnPart>,
  options: ContinueOptions = {},
): AsyncIteration<TurnPart> {
  const continued = new ContinuedParts(logged, options);
  let waiting: TurnPart[] = [];
  let isDone = false;
  const over: IteratorResult<TurnPart, undefined> = { value: undefined, done: true };
  const read = async (): Promise<IteratorResult<TurnPart, undefined>> => {
    for (;;) {
      const value = waiting.shift();
      if (value) return { value, done: false };
      if (isDone) return over;
      if (continued.isOver) {
        isDone = true;
        // Nobody reads on, so what comes must not be kept.
        await parts.return?.();
        return over;
      }
      const step = await parts.next();
      waiting = [...(step.done ? continued.end() : continued.next(step.value))];
      isDone ||= step.done === true || continued.isOver;
    }
  };
  let last: Promise<IteratorResult<TurnPart, undefined>> = Promise.resolve(over);
  return {
    // Calls that come before those before them are answered wait for their turn.
    next: () => (last = last.then(read, read)),
    return: async () => {
      isDone = true;
      waiting = [];
      await parts.return?.();
      return over;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
