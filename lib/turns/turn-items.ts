import type { ThreadItem } from "../../generated/types.js";
import type { TurnItems } from "../results/turn-state.js";

/**
 * The completed and the open items of a turn as one list, in the order in which they began: of a turn
 * that runs what its `result.items` will be.
 */
export function itemsInOrder({ items, openItems, openPositions }: TurnItems): ThreadItem[] {
  const all = [...items];
  // From behind, so that the places of those before stay what they are.
  for (let index = openItems.length - 1; index >= 0; index -= 1) {
    all.splice(openPositions[index] ?? all.length, 0, openItems[index] as ThreadItem);
  }
  return all;
}

/** An item begins, or begins anew: then it stands where it has begun last. */
export function addStarted<Turn extends TurnItems>(turn: Turn, item: ThreadItem): Turn {
  const rest = withoutOpen(turn, item);
  return {
    ...rest,
    openItems: [...rest.openItems, item],
    openPositions: [...rest.openPositions, rest.items.length],
  };
}

/** An item completes, and takes the place of the open one. */
export function addCompleted<Turn extends TurnItems>(turn: Turn, item: ThreadItem): Turn {
  const index = turn.openItems.findIndex((open) => isSame(open, item));
  if (index === -1) return addWhole(turn, item);
  const position = turn.openPositions[index] ?? turn.items.length;
  const rest = withoutOpen(turn, item);
  return {
    ...rest,
    items: rest.items.toSpliced(position, 0, item),
    // Those behind it have begun later: one more now stands before them.
    openPositions: rest.openPositions.map((at, other) => (other < index ? at : at + 1)),
  };
}

/** The start of an item was missed: it stands where the server says, or else where it was heard of. */
function addWhole<Turn extends TurnItems>(turn: Turn, item: ThreadItem): Turn {
  const start = startOf(item) ?? Infinity;
  const isLater = (other: ThreadItem | undefined) =>
    ((other && startOf(other)) ?? -Infinity) > start;
  let position = turn.items.length;
  while (position > 0 && isLater(turn.items[position - 1])) position -= 1;
  return {
    ...turn,
    items: turn.items.toSpliced(position, 0, item),
    openPositions: turn.openPositions.map((at, index) =>
      at > position || (at === position && isLater(turn.openItems[index])) ? at + 1 : at,
    ),
  };
}

/** The same for an item that may have completed before: its last copy is the one that counts. */
export function addFinal<Turn extends TurnItems>(turn: Turn, item: ThreadItem): Turn {
  const index = turn.items.findLastIndex((known) => isSame(known, item));
  if (index === -1) return addCompleted(turn, item);
  return { ...turn, items: turn.items.with(index, item) };
}

function withoutOpen<Turn extends TurnItems>(turn: Turn, item: ThreadItem): Turn {
  const index = turn.openItems.findIndex((open) => isSame(open, item));
  if (index === -1) return turn;
  return {
    ...turn,
    openItems: turn.openItems.toSpliced(index, 1),
    openPositions: turn.openPositions.toSpliced(index, 1),
  };
}

/** When an item began (ms since the epoch); older servers do not say. */
function startOf(item: ThreadItem): number | undefined {
  const startedAtMs: unknown = "startedAtMs" in item ? item.startedAtMs : undefined;
  return typeof startedAtMs === "number" ? startedAtMs : undefined;
}

function isSame(left: ThreadItem, right: ThreadItem): boolean {
  return left.id === right.id && left.type === right.type;
}
