import { BacklogBudget } from "../async/backlog-budget.js";
import { SlowConsumerError } from "../errors/slow-consumer-error.js";

export function totalBacklog(maxBytes: number): BacklogBudget {
  const tooMuch = `${maxBytes} bytes, for all consumers of the client together,`;
  const cure =
    "This consumer held most of it, or had not begun to read. The turn or command goes on, and the run() of a " +
    "turn gives its result. Read sooner, or raise maxTotalBacklogBytes.";
  return new BacklogBudget(maxBytes, () => new SlowConsumerError(tooMuch, cure));
}
