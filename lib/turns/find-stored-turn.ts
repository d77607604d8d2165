import type { Life } from "../async/life.js";
import { poll } from "../async/poll.js";
import { isDrop } from "../errors/connection-errors.js";
import { MethodNotFoundError, ThreadNotFoundError } from "../errors/rpc-errors.js";
import { retryOnOverload } from "../jsonrpc/retry.js";
import { fieldOf, textOf } from "../messages/field-of.js";
import { Pages } from "../options/pages.js";
import type { ParamsOf, ResultOf } from "../protocol.js";
import type { Session } from "../session/session.js";
import { readThreadStatus } from "./ask-server.js";
import { isRunningReview, listOf, turnsIn, type ListedTurn } from "./read-stored-turn.js";
import type { TurnName } from "./turn-request.js";

/** As many as the server gives at once. */
const perPage = 100;

/** How often the server is asked for a turn that it may still be about to store, and the pauses (ms). */
const maxLooks = 6;
const lookPauseMs = 200;

/** How the server is asked. */
interface Look {
  readonly session: Session;
  readonly threadId: string;
  /** Whether the first page of a list is enough. */
  readonly newestOnly: boolean;
  /** Whether a server that is too busy is asked again at once, not by whoever looks. */
  readonly retries: boolean;
}

/** A turn as the server has it stored. */
export interface StoredTurn {
  /** The id under which its events come: of a review that runs, the server lists it under another one. */
  readonly id: string;
  readonly record: ListedTurn;
}

/** Looks for a turn among all that the server lists of its thread, once. */
export function lookOnce(
  session: Session,
  threadId: string,
  sought: TurnName,
): Promise<StoredTurn | undefined> {
  const look = { session, threadId, newestOnly: false, retries: true };
  return overDrops(session, () => findOnce(look, sought));
}

/**
 * Looks for a turn on its thread, however far back it is. Resolves with undefined when
 * the server does not have it: whoever starts it again then must not start it twice, so the server is asked more than
 * once while the thread is at work, and everything that it has stored is looked through.
 *
 * @throws what keeps the server from telling.
 */
export function findStoredTurn(
  session: Session,
  threadId: string,
  sought: TurnName,
  life: Life,
): Promise<StoredTurn | undefined> {
  return whileAtWork(session, threadId, async (number) => {
    // What comes while the server is asked is the newest: of a second look, the first page is enough.
    const look = { session, threadId, newestOnly: number > 1, retries: true };
    const found = await overDrops(session, () => findOnce(look, sought));
    return life.isOver() ? null : found;
  });
}

/**
 * Looks for a user message that was sent just now with this client id, and may not have arrived. Resolves with
 * the id of its turn; with undefined when the server has no such message.
 *
 * @throws what keeps the server from telling, and when the connection drops.
 */
export function findTurnOfMessage(
  session: Session,
  threadId: string,
  clientUserMessageId: string,
): Promise<string | undefined> {
  return whileAtWork(session, threadId, async () => {
    const look = { session, threadId, newestOnly: true, retries: false };
    return (await orNotRun(turnOfMessage(look, clientUserMessageId)))?.id;
  });
}

/** Looks more than once while the thread is at work. Resolves with what is found; `null` ends it, too. */
async function whileAtWork<T>(
  session: Session,
  threadId: string,
  look: (number: number) => Promise<T | null | undefined>,
): Promise<T | undefined> {
  const lookAgain = async (number: number): Promise<T | null | undefined> => {
    const found = await look(number);
    if (found !== undefined || number === 1 || number === maxLooks) return found;
    // What an idle thread does not have on the second look, it did not get.
    return (await readThreadStatus(session, threadId)) === "idle" ? null : undefined;
  };
  const options = { pauseMs: lookPauseMs, looks: maxLooks, wake: session.closed };
  return (await poll(lookAgain, options)) ?? undefined;
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

function findOnce(look: Look, sought: TurnName): Promise<StoredTurn | undefined> {
  return orNotRun(
    "id" in sought ? findById(look, sought.id) : findByMessage(look, sought.clientUserMessageId),
  );
}

/** A thread that has not run any turn has not run this one, either. */
async function orNotRun<T>(found: Promise<T | undefined>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if (error instanceof ThreadNotFoundError) return undefined;
    throw error;
  }
}

async function findById(look: Look, id: string): Promise<StoredTurn | undefined> {
  const params = {
    threadId: look.threadId,
    limit: perPage,
    sortDirection: "desc",
    itemsView: "notLoaded",
  } as const;
  for await (const data of pagesOf(look, "thread/turns/list", params)) {
    const turns = turnsIn(data);
    const record = turns.find((turn) => turn.id === id || isRunningReview(turn, id));
    if (record) return { id, record };
  }
  return undefined;
}

async function findByMessage(look: Look, clientId: string): Promise<StoredTurn | undefined> {
  const found = await turnOfMessage(look, clientId);
  if (!found) return undefined;
  const { id, record } = found;
  return record ? { id, record } : findById({ ...look, newestOnly: false }, id);
}

/** The turn of a message. One that has joined a running turn is listed as an item only, without the turn's record. */
async function turnOfMessage(
  look: Look,
  clientId: string,
): Promise<{ readonly id: string; readonly record?: ListedTurn } | undefined> {
  const isIt = (item: unknown): boolean => fieldOf(item, "clientId") === clientId;
  const page = { threadId: look.threadId, limit: perPage, sortDirection: "desc" } as const;
  const params = { ...page, itemsView: "summary" } as const;
  for await (const data of pagesOf(look, "thread/turns/list", params)) {
    const record = turnsIn(data).find(({ items }) => listOf(items).some(isIt));
    if (record) return { id: record.id, record };
  }
  const id = await findTurnOfItem(look, page, isIt);
  return id === undefined ? undefined : { id };
}

async function findTurnOfItem(
  look: Look,
  params: ParamsOf<"thread/items/list">,
  fits: (item: unknown) => boolean,
): Promise<string | undefined> {
  try {
    for await (const data of pagesOf(look, "thread/items/list", params)) {
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
  { session, newestOnly, retries }: Look,
  method: M,
  params: ParamsOf<M>,
): AsyncGenerator<readonly unknown[], void, undefined> {
  const list = new Pages<unknown>((cursor) => {
    const ask = (): Promise<ResultOf<M>> => session.call(method, { ...params, cursor });
    return retries ? retryOnOverload(ask, { signal: session.signal }) : ask();
  });
  for await (const { data } of (await list).iterPages()) {
    yield data;
    if (newestOnly) return;
  }
}
