import { ignoreRejection } from "../async/deferred.js";
import { fieldOf } from "../messages/field-of.js";
import { turnIdOf } from "../messages/message-ids.js";
import type { ItemMatch } from "./stop-unfollowed.js";
import type { StartPlace } from "./turn-request.js";

/** What is known of a turn that is looked for among the events. */
interface Sighting {
  readonly id: Promise<string>;
  latest(): string | undefined;
}

/** A bound for servers that name ever more turns. */
const maxEmpty = 4_096;

/** Looks for a turn with such an item, among all the items that it starts. */
export function lookForItem({ pending }: StartPlace, fits: ItemMatch): Sighting {
  return look(
    pending.find(
      ({ method, params }) => method === "item/started" && fits(fieldOf(params, "item")),
    ),
  );
}

/** The same for a turn that may also end without any item, as one that fails at once does. */
export function lookForItemOrEnd({ pending }: StartPlace, fits: ItemMatch): Sighting {
  /** The turns that have begun, and started no item so far. */
  const empty = new Set<string>();
  const id = pending.find((event) => {
    const turnId = turnIdOf(event) ?? "";
    switch (event.method) {
      case "turn/started":
        if (empty.size < maxEmpty) empty.add(turnId);
        return false;
      case "item/started":
        empty.delete(turnId);
        return fits(fieldOf(event.params, "item"));
      case "turn/completed":
        return empty.delete(turnId);
      default:
        return false;
    }
  });
  return look(id);
}

function look(id: Promise<string>): Sighting {
  let latest: string | undefined;
  ignoreRejection(id).then(
    (turnId) => {
      latest = turnId;
    },
    () => undefined,
  );
  return { id, latest: () => latest };
}
