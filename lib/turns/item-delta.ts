import type { ThreadItem } from "../../generated/types.js";
import type { TurnEvent } from "../protocol.js";

/**
 * Adds streamed text to the open item it belongs to. It matters for items that never complete: a
 * message cut by an interrupt, a steer or a failure. Returns `items` itself when nothing changed.
 */
export function applyDelta(items: readonly ThreadItem[], event: TurnEvent): readonly ThreadItem[] {
  switch (event.method) {
    case "item/agentMessage/delta":
      return update(items, event.params.itemId, (item) =>
        item.type === "agentMessage" ? { ...item, text: item.text + event.params.delta } : item,
      );
    case "item/plan/delta":
      return update(items, event.params.itemId, (item) =>
        item.type === "plan" ? { ...item, text: item.text + event.params.delta } : item,
      );
    case "item/reasoning/summaryTextDelta":
      return update(items, event.params.itemId, (item) =>
        item.type === "reasoning"
          ? {
              ...item,
              summary: append(item.summary, event.params.summaryIndex, event.params.delta),
            }
          : item,
      );
    case "item/reasoning/textDelta":
      return update(items, event.params.itemId, (item) =>
        item.type === "reasoning"
          ? {
              ...item,
              content: append(item.content, event.params.contentIndex, event.params.delta),
            }
          : item,
      );
    case "item/commandExecution/outputDelta":
      return update(items, event.params.itemId, (item) =>
        item.type === "commandExecution"
          ? { ...item, aggregatedOutput: (item.aggregatedOutput ?? "") + event.params.delta }
          : item,
      );
    case "item/fileChange/patchUpdated":
      return update(items, event.params.itemId, (item) =>
        item.type === "fileChange" ? { ...item, changes: event.params.changes } : item,
      );
    default:
      return items;
  }
}

function update(
  items: readonly ThreadItem[],
  id: string,
  change: (item: ThreadItem) => ThreadItem,
): readonly ThreadItem[] {
  const index = items.findLastIndex((item) => item.id === id);
  const item = items[index];
  return item ? items.with(index, change(item)) : items;
}

function append(parts: readonly string[], index: number, text: string): string[] {
  // The index comes from the wire: it must not be able to make a huge array.
  if (!Number.isInteger(index) || index < 0 || index > parts.length) return [...parts];
  const next = [...parts];
  next[index] = (parts[index] ?? "") + text;
  return next;
}
