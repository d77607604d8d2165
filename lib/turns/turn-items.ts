import type { ThreadItem } from "../../generated/types.js";
import type { TurnEvent } from "../protocol.js";
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

/**
 * Adds streamed text to the open item it belongs to. It matters for items that never complete: a
 * message cut by an interrupt, a steer or a failure. Returns `items` itself when nothing changed.
 */
export function applyDelta(items: readonly ThreadItem[], event: TurnEvent): readonly ThreadItem[] {
  const params: unknown = event.params;
  const { itemId } = (params ?? {}) as { itemId?: unknown };
  const index = items.findLastIndex(({ id }) => id === itemId);
  const item = items[index];
  const grown = item && grow(item, event);
  return grown ? items.with(index, grown) : items;
}

/** The item with the text that an event brings; undefined when it brings none. */
function grow(item: ThreadItem, { method, params }: TurnEvent): ThreadItem | undefined {
  switch (item.type) {
    case "agentMessage":
      if (method !== "item/agentMessage/delta") return undefined;
      return { ...item, text: item.text + params.delta };
    case "plan":
      if (method !== "item/plan/delta") return undefined;
      return { ...item, text: item.text + params.delta };
    case "reasoning":
      if (method === "item/reasoning/summaryTextDelta") {
        return { ...item, summary: append(item.summary, params.summaryIndex, params.delta) };
      }
      if (method !== "item/reasoning/textDelta") return undefined;
      return { ...item, content: append(item.content, params.contentIndex, params.delta) };
    case "commandExecution":
      if (method !== "item/commandExecution/outputDelta") return undefined;
      return { ...item, aggregatedOutput: (item.aggregatedOutput ?? "") + params.delta };
    case "fileChange":
      if (method !== "item/fileChange/patchUpdated") return undefined;
      return { ...item, changes: params.changes };
    default:
      return undefined;
  }
}

function append(parts: readonly string[], index: number, text: string): string[] {
  const next = [...parts];
  // The index comes from the wire: it must not be able to make a huge array.
  if (Number.isInteger(index) && index >= 0 && index <= parts.length) {
    next[index] = (parts[index] ?? "") + text;
  }
  return next;
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
