import type { BacklogRules } from "../async/backlog.js";
import { roughBytes } from "../async/rough-bytes.js";
import { SlowConsumerError } from "../errors/slow-consumer-error.js";
import { lag, supersedingKey, type SomeEvent } from "../messages/superseding.js";
import { deltaOf, TextMerge } from "./text-merge.js";

/** How much may wait for the consumer of a turn's or a goal's events, unless told otherwise (bytes). */
const defaultMaxBacklogBytes = 67_108_864;

/** What a delta takes besides its text: three ids, and three objects. */
const deltaBytes = 400;

/** What keeps in bounds the events of a turn that its consumer has not taken yet. */
export function eventBacklog<Event extends SomeEvent>(
  of: "turn" | "goal",
  maxBacklogBytes = defaultMaxBacklogBytes,
): BacklogRules<Event> {
  return {
    maxWeight: maxBacklogBytes,
    ...lag,
    keyOf: supersedingKey,
    weigh,
    startMerge: (first) => TextMerge.begin(first),
    overflow: () =>
      new SlowConsumerError(
        `${maxBacklogBytes} bytes of a ${of}'s events`,
        `The ${of} goes on, and run() gives its result. Do less between two events, or raise ` +
          "maxBacklogBytes.",
      ),
  };
}

/** Deltas are by far the most frequent events, and alike but for their text. */
function weigh(event: SomeEvent): number {
  const delta = deltaOf(event);
  return delta === undefined ? roughBytes(event) : deltaBytes + delta.length;
}
