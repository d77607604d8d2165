import { SlowConsumerError } from "../../errors/slow-consumer-error.js";
import type { PartOf } from "../../parts/turn-part.js";

/**
 * The error of a turn of which parts were dropped, since they were not read in time: what is left would pass for the
 * whole. Undefined for any other end.
 */
export function droppedParts({ error }: PartOf<"end">): SlowConsumerError | undefined {
  if (error?.code !== "SLOW_CONSUMER") return undefined;
  const cure = "The turn is stopped. Read on while it comes, and go on with a suspended turn soon.";
  return new SlowConsumerError("what is kept of a turn's events", cure);
}
