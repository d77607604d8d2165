import type { Turn as TurnRecord } from "../../generated/types.js";
import type { PartOptions } from "./part-options.js";
import type { TurnPart } from "./turn-part.js";
import { TurnParts } from "./turn-parts.js";

/**
 * The parts of a turn that the server has stored, as `thread.turns({ itemsView: "full" })` lists it. Of a turn
 * that still runs, those of the items that are complete, without an `end`. The server stores neither usage nor
 * requests.
 *
 * @throws InvalidArgumentError for options that it does not know.
 */
export function partsOfStoredTurn(
  threadId: string,
  turn: TurnRecord,
  options: PartOptions = {},
): TurnPart[] {
  const parts = new TurnParts(options);
  const turnId = turn.id;
  const events = [
    { method: "turn/started", params: { threadId, turn } },
    ...turn.items.map((item) => ({
      method: "item/completed",
      params: { threadId, turnId, item },
    })),
    ...(turn.status === "inProgress"
      ? []
      : [{ method: "turn/completed", params: { threadId, turn } }]),
  ];
  return events.flatMap((event) => parts.next(event));
}
