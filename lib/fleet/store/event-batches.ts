import type { StreamEvent } from "../../http/index.js";

/** One call takes no more: the database does nothing else meanwhile. */
const maxEvents = 500;
const maxLength = 1_048_576;

/** Events in batches that a database takes in one step. */
export function* batchesOf(events: readonly StreamEvent[]): Generator<readonly StreamEvent[]> {
  let batch: StreamEvent[] = [];
  let length = 0;
  for (const event of events) {
    if (batch.length >= maxEvents || (batch.length > 0 && length + event.data.length > maxLength)) {
      yield batch;
      batch = [];
      length = 0;
    }
    batch.push(event);
    length += event.data.length;
  }
  if (batch.length > 0) yield batch;
}
