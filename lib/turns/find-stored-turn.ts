import type { Life } from "../async/life.js";
import { poll } from "../async/poll.js";
import { isDrop } from "../errors/connection-errors.js";
import { MethodNotFoundError, ThreadNotFoundError } from "../errors/rpc-errors.js";
import { retryOnOverload } from "../jsonrpc/retry.js";
import { fieldOf, textOf } from "../messages/field-of.js";
import { Pages } from "../options/pages.js";
import type { ClientRequestMethod, ParamsOf, ResultOf } from "../protocol.js";
import type { Session } from "../session/session.js";
import { readThreadStatus } from "./ask-server.js";
import { isRunningReview, listOf, turnsIn, type ListedTurn } from "./read-stored-turn.js";
import type { TurnName } from "./turn-request.js";

/** As many as the server gives at once. */
const perPage = 100;

/** How often the server is asked for a turn that it may still be about to store, and the pauses (ms). */
const maxLooks = 6;
const lookPauseMs = 200;

/** A turn as the server has it stored. */
export interface StoredTurn {
  /** The id under which its events come: of a review that runs, the server lists it under another one. */
  readonly id: string;
  readonly record: ListedTurn;
}

/**
 * Looks for a turn on its thread, however far back it is, and without loading the thread. Resolves with undefined when
 * the server does not have it: whoever starts it again then must not start it twice, so the server is asked more than
 * once while the thread is at work, and everything that it has stored is looked through.
 *
 * @throws what keeps the server from telling.
 */
export async function findStoredTurn(
  session: Session,
  threadId: string,
  sought: TurnName,
  life: Life,
): Promise<StoredTurn | undefined> {
  const look = async (number: number): Promise<StoredTurn | null | undefined> => {
    const found = await overDrops(session, () => findOnce(session, threadId, sought, number > 1));
    if (life.isOver()) return null;
    if (found || number === 1 || number === maxLooks) return found;
    // What an idle thread does not have on the second look, it did not get.
    return (await readThreadStatus(session, threadId)) === "idle" ? null : undefined;
  };
  const options = { pauseMs: lookPauseMs, looks: maxLooks, wake: session.closed };
  return (await poll(look, options)) ?? undefined;
}

/** Asks again over the next connection, when this one drops and another one takes its place. */
export async function overDrops<T>(session: Session, ask: () => Promise<T>): Promise<T> {
  for (;;) {
    await session.available();
    try {
      return await ask();
    } catch (error) {
      if (!isDrop(error)) throw error;
    }
  }
}

/** What comes while the server is asked is the newest: of a second look, the first page is enough. */
async function findOnce(
  session: Session,
  threadId: string,
  sought: TurnName,
  newestOnly: boolean,
): Promise<StoredTurn | undefined> {
  try {
    if ("id" in sought) return await findById(session, threadId, sought.id, newestOnly);
    return await findByMessage(session, threadId, sought.clientUserMessageId, newestOnly);
  } catch (error) {
    // The thread has not run any turn, so neither this one.
    if (error instanceof ThreadNotFoundError) return undefined;
    throw error;
  }
}

async function findById(
  session: Session,
  threadId: string,
  id: string,
  newestOnly: boolean,
): Promise<StoredTurn | undefined> {
  const params = {
    threadId,
    limit: perPage,
    sortDirection: "desc",
    itemsView: "notLoaded",
  } as const;
  for await (const data of pagesOf(session, "thread/turns/list", params, newestOnly)) {
    const turns = turnsIn(data);
    const record = turns.find((turn) => turn.id === id || isRunningReview(turn, id));
    if (record) return { id, record };
  }
  return undefined;
}

/** A message that has joined a running turn is listed as an item only. */
async function findByMessage(
  session: Session,
  threadId: string,
  clientId: string,
  newestOnly: boolean,
): Promise<StoredTurn | undefined> {
  const isIt = (item: unknown): boolean => fieldOf(item, "clientId") === clientId;
  const page = { threadId, limit: perPage, sortDirection: "desc" } as const;
  const params = { ...page, itemsView: "summary" } as const;
  for await (const data of pagesOf(session, "thread/turns/list", params, newestOnly)) {
    const record = turnsIn(data).find(({ items }) => listOf(items).some(isIt));
    if (record) return { id: record.id, record };
  }
  const turnId = await findTurnOfItem(session, page, isIt, newestOnly);
  return turnId === undefined ? undefined : findById(session, threadId, turnId, false);
}

async function findTurnOfItem(
  session: Session,
  params: ParamsOf<"thread/items/list">,
  fits: (item: unknown) => boolean,
  newestOnly: boolean,
): Promise<string | undefined> {
  try {
    for await (const data of pagesOf(session, "thread/items/list", params, newestOnly)) {
      const entry = data.find((each) => fits(fieldOf(each, "item")));
      if (entry !== undefined) return textOf(entry, "turnId");
    }
  } catch (error) {
    // A thread of an older runtime: its turns have told what there is.
    if (!(error instanceof MethodNotFoundError)) throw error;
  }
  return undefined;
}

async function* pagesOf<M extends "thread/turns/list" | "thread/items/list">(
  session: Session,
  method: M,
  params: ParamsOf<M>,
  newestOnly: boolean,
): AsyncGenerator<readonly unknown[], void, undefined> {
  const list = new Pages<unknown>((cursor) => ask(session, method, { ...params, cursor }));
  for await (const { data } of (await list).iterPages()) {
    yield data;
    if (newestOnly) return;
  }
}

function ask<M extends ClientRequestMethod>(
  session: Session,
  method: M,
  params: ParamsOf<M>,
): Promise<ResultOf<M>> {
  return retryOnOverload(() => session.call(method, params), { signal: session.signal });
}
