import { ResponseError, type LinkedServer } from "./linked-server.js";
import { turnRecord, type Params } from "./turn-messages.js";

/** What a fake server has stored of the turns of its threads. */
export interface StoredTurns {
  /** Newest first. */
  turns: Params[];
  /** How many turns are in a page (default: all of them). */
  turnsPerPage?: number;
  /** In the order of their completion, each with its turn. */
  items: { turnId: string; item: Params; completedAtMs?: number | null }[];
}

/** Lets a fake server answer as the real one does when it is asked for stored turns and items. */
export function storeTurns(server: LinkedServer, stored: Partial<StoredTurns> = {}): StoredTurns {
  const store: StoredTurns = { turns: [], items: [], ...stored };
  server.handle("thread/turns/list", ({ itemsView, cursor }) => {
    const start = Number(cursor ?? 0);
    const end = start + (store.turnsPerPage ?? Infinity);
    const nextCursor = end < store.turns.length ? String(end) : null;
    const page = { nextCursor, backwardsCursor: null };
    const data = store.turns.slice(start, end).map((turn) => {
      const items = store.items.filter(({ turnId }) => turnId === turn["id"]);
      const shown = itemsView === "summary" ? items.map(({ item }) => item) : [];
      return { ...turn, items: shown, itemsView };
    });
    return { ...page, data };
  });
  server.handle("thread/items/list", ({ turnId, cursor, limit, sortDirection }) => {
    const all = store.items.filter((each) => turnId === undefined || each.turnId === turnId);
    const listed = sortDirection === "desc" ? all.toReversed() : all;
    const start = Number(cursor ?? 0);
    const end = start + Math.min(Number(limit ?? 100), 2);
    const nextCursor = end < listed.length ? String(end) : null;
    return { data: listed.slice(start, end), nextCursor, backwardsCursor: null };
  });
  return store;
}

/** A turn that has ended, as it is listed. */
export function endedTurn(id: string, fields: Params = {}): Params {
  const times = { startedAt: 1_767_225_600, completedAt: 1_767_225_603, durationMs: 3_000 };
  return turnRecord(id, { status: "completed", ...times, ...fields });
}

/** Answers with the error of a server that does not have the method. */
export function missingMethod(): never {
  throw new ResponseError(-32_601, "not supported yet");
}
