import type { BacklogRules } from "../async/backlog.js";
import { roughBytes } from "../async/rough-bytes.js";
import { SlowConsumerError } from "../errors/slow-consumer-error.js";
import { lag, supersedingKey } from "../messages/superseding.js";
import { SubagentEvent } from "./subagent-event.js";
import { deltaOf, TextRun, type SomeEvent } from "./text-run.js";

/** How much may wait for the consumer of a turn's or a goal's events, unless told otherwise (bytes). */
const defaultMaxBacklogBytes = 67_108_864;

/** What a delta takes besides its text: three ids, and three objects. */
const deltaBytes = 400;

/** What keeps in bounds the events of a turn that its consumer has not taken yet. */
export function eventBacklog<Event extends SomeEvent | SubagentEvent>(
  of: "turn" | "goal",
  maxBacklogBytes = defaultMaxBacklogBytes,
): BacklogRules<Event> {
  return {
    maxWeight: maxBacklogBytes,
    ...lag,
    keyOf: (event) => supersedingKey(plain(event)),
    weigh: (event) => weigh(plain(event)),
    startRun: (first) => {
      const run = TextRun.begin(plain(first));
      return (
        run && {
          add: (event) => run.add(plain(event)),
          toItem: () =>
            (first instanceof SubagentEvent
              ? new SubagentEvent(run.toEvent() as SubagentEvent["event"], first.origin)
              : run.toEvent()) as Event,
        }
      );
    },
    overflow: () =>
      new SlowConsumerError(
        `${maxBacklogBytes} bytes of a ${of}'s events`,
        `The ${of} goes on, and run() gives its result. Do less between two events, or raise ` +
          "maxBacklogBytes.",
      ),
  };
}

/** What keeps in bounds the events that are held back; `isKept` tells which of them are in any case. */
export function heldBacklog<Event extends SomeEvent>(
  isKept: (event: Event) => boolean,
): BacklogRules<Event> {
  const rules = eventBacklog<Event>("turn");
  return {
    ...rules,
    weigh: (event) => (isKept(event) ? 0 : rules.weigh(event)),
    // The usage of a turn is computed from all that is told of it.
    keyOf: (event) => (isKept(event) ? undefined : rules.keyOf?.(event)),
  };
}

/** Deltas are by far the most frequent events, and alike but for their text. */
function weigh(event: SomeEvent): number {
  const delta = deltaOf(event);
  return delta === undefined ? roughBytes(event) : deltaBytes + delta.length;
}

function plain(event: SomeEvent | SubagentEvent): SomeEvent {
  return event instanceof SubagentEvent ? event.event : event;
}
