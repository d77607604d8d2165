import type { ThreadItem, Turn as TurnRecord } from "../../generated/types.js";
import { settleWithin } from "../async/timers.js";
import { RequestTimeoutError, TransportClosedError } from "../errors/connection-errors.js";
import {
  ExperimentalApiError,
  MethodNotFoundError,
  ServerBusyError,
  ThreadNotFoundError,
} from "../errors/rpc-errors.js";
import { fieldOf, textOf } from "../messages/field-of.js";
import type { Session } from "../session/session.js";
import { Pages } from "../options/pages.js";
import { askServer } from "./ask-server.js";
import { isItem } from "./turn-state.js";

/** How long all questions about a turn may take to be answered (ms). */
const reportGraceMs = 20_000;

/** How many turns back a turn is looked for; nearly always it is the newest. */
const maxTurns = 50;

/** How many items are asked for at a time, and how often: a bound for servers whose list never ends. */
const itemsPerPage = 100;
const maxPages = 1_000;

/** What the server says of a turn when it is asked. */
export type TurnReport =
  | EndedReport
  | { readonly state: "running"; readonly items: StoredItems }
  /** It does not store this thread's turns, or has no record of this one. */
  | { readonly state: "unknown"; readonly threadIsIdle: boolean }
  /** It did not answer, for now. */
  | typeof unanswered;

export interface EndedReport {
  readonly state: "ended";
  readonly turn: EndedTurn;
  readonly items: StoredItems;
  /** Whether no other turn of the thread has begun since. */
  readonly isLast: boolean;
}

/** What the server has stored of a turn that has ended: its last status, with its error and its times. */
type EndedTurn = Pick<
  TurnRecord,
  "id" | "status" | "error" | "startedAt" | "completedAt" | "durationMs"
>;

/**
 * The completed items under the ids of the live events, in order; undefined when the server does not
 * tell them. The history of a thread that an old runtime stored has other ids, and is of no use here.
 */
export type StoredItems = readonly StoredItem[] | undefined;

export interface StoredItem {
  readonly item: ThreadItem;
  /** When it completed (ms since the epoch); `null` when the server did not say. */
  readonly completedAtMs: number | null;
}

/**
 * Asks the server what has become of a turn (`thread/turns/list`, `thread/items/list`; on a server
 * without the former, `thread/read`). Never rejects, and takes a bounded time.
 */
export async function readTurn(
  session: Session,
  threadId: string,
  turnId: string,
): Promise<TurnReport> {
  const report = await settleWithin(ask(session, threadId, turnId), reportGraceMs);
  return report === "timeout" ? unanswered : report;
}

/**
 * The same of a turn that is listed as ended.
 *
 * @throws TransportClosedError, RequestTimeoutError or ServerBusyError
 */
export async function readEnded(
  session: Session,
  threadId: string,
  turn: ListedTurn,
): Promise<EndedReport> {
  const items = await readItems(session, threadId, turn.id).catch((error: unknown) => {
    if (saysNothing(error)) throw error;
    return undefined;
  });
  return { state: "ended", turn: toEndedTurn(turn), items, isLast: false };
}

/**
 * The id under which the server runs the turn, which is another one for a review; undefined when it
 * does not run, or the server does not say so. Never rejects.
 */
export async function readRunningId(
  session: Session,
  threadId: string,
  turnId: string,
): Promise<string | undefined> {
  const [newest] = await listTurns(session, threadId).catch(() => []);
  return isRunningReview(newest, turnId) ? newest?.id : undefined;
}

/** What is known when nobody is asked. */
export const unanswered = { state: "unanswered" } as const;

async function ask(session: Session, threadId: string, turnId: string): Promise<TurnReport> {
  const running = session.thread(threadId).slots.runningUntil;
  try {
    const turns = turnId === "" ? [] : await listTurns(session, threadId);
    const [newest] = turns;
    const turn = turns.find(({ id }) => id === turnId);
    if (!turn && !isRunningReview(newest, turnId)) return await askForThread(session, threadId);
    // After the status, so that no item is missing of a turn that has ended.
    const items = await listItems(session, threadId, turnId);
    if (!turn || turn.status === "inProgress") return { state: "running", items };
    // Another turn may have begun after the server looked.
    const isSame = session.thread(threadId).slots.runningUntil === running;
    const isLast = isSame && (newest === turn || newest?.status !== "inProgress");
    return { state: "ended", turn: toEndedTurn(turn), items, isLast };
  } catch (error) {
    return saysNothing(error) ? unanswered : askForThread(session, threadId);
  }
}

/** Of threads that are not stored, ephemeral ones say, the server tells this much. */
async function askForThread(session: Session, threadId: string): Promise<TurnReport> {
  try {
    const { thread } = await askServer(session, "thread/read", { threadId });
    return fieldOf(thread.status, "type") === "active"
      ? { state: "running", items: undefined }
      : { state: "unknown", threadIsIdle: true };
  } catch (error) {
    if (saysNothing(error)) return unanswered;
    return { state: "unknown", threadIsIdle: error instanceof ThreadNotFoundError };
  }
}

/** A refusal, or an answer that makes no sense, says at least that there is no more to learn. */
function saysNothing(error: unknown): boolean {
  return (
    error instanceof RequestTimeoutError ||
    error instanceof TransportClosedError ||
    error instanceof ServerBusyError
  );
}

export type ListedTurn = Partial<TurnRecord> & { readonly id: string };

async function listTurns(session: Session, threadId: string): Promise<readonly ListedTurn[]> {
  try {
    const page = { limit: maxTurns, sortDirection: "desc", itemsView: "notLoaded" } as const;
    const { data } = await askServer(session, "thread/turns/list", { threadId, ...page });
    return turnsIn(data);
  } catch (error) {
    if (!(error instanceof MethodNotFoundError || error instanceof ExperimentalApiError)) {
      throw error;
    }
    const params = { threadId, includeTurns: true };
    const { thread } = await askServer(session, "thread/read", params);
    return turnsIn(thread.turns).toReversed();
  }
}

async function listItems(session: Session, threadId: string, turnId: string): Promise<StoredItems> {
  // The turn's end is worth having even so.
  return readItems(session, threadId, turnId).catch(() => undefined);
}

async function readItems(session: Session, threadId: string, turnId: string): Promise<StoredItems> {
  const items: StoredItem[] = [];
  const page = { threadId, turnId, limit: itemsPerPage, sortDirection: "asc" } as const;
  const list = new Pages((cursor) => askServer(session, "thread/items/list", { ...page, cursor }));
  let pages = 0;
  for await (const { data } of (await list).iterPages()) {
    pages += 1;
    if (pages > maxPages) return undefined;
    items.push(...itemsIn(data, turnId));
  }
  return items;
}

/** While a review runs, the server lists it under another id only, with the review's as its root. */
export function isRunningReview(newest: ListedTurn | undefined, turnId: string): boolean {
  return newest?.status === "inProgress" && newest.rootTurnId === turnId;
}

function toEndedTurn(turn: ListedTurn): EndedTurn {
  return {
    id: turn.id,
    status: turn.status ?? "completed",
    error: turn.error ?? null,
    startedAt: turn.startedAt ?? null,
    completedAt: turn.completedAt ?? null,
    durationMs: turn.durationMs ?? null,
  };
}

export function turnsIn(data: unknown): ListedTurn[] {
  return listOf(data).filter((turn): turn is ListedTurn => textOf(turn, "id") !== undefined);
}

function itemsIn(entries: readonly unknown[], turnId: string): StoredItem[] {
  return entries.flatMap((entry) => {
    const item = fieldOf(entry, "item");
    if (fieldOf(entry, "turnId") !== turnId || !isItem(item)) return [];
    const time = fieldOf(entry, "completedAtMs");
    return [{ item, completedAtMs: typeof time === "number" ? time : null }];
  });
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
