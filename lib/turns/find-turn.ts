import { settleWithin } from "../async/timers.js";
import { ThreadNotFoundError } from "../errors/rpc-errors.js";
import type { Session } from "../session/session.js";
import { readThreadStatus } from "./ask-server.js";

/** How often the server is asked, while it may still be about to store the message. */
const maxLooks = 6;

/** How long to wait between two looks (ms). */
const pauseMs = 200;

/** How many turns back the message is looked for; it was sent just before the connection dropped. */
const turnsBack = 20;

/** How many items back: a message that joined a running turn is listed as an item only. */
const itemsBack = 100;

/**
 * Looks for a user message that was sent with this client id, and may not have arrived. Resolves with
 * the id of its turn; with undefined when the server has no such message.
 *
 * @throws what keeps the server from telling.
 */
export async function findTurnOfMessage(
  session: Session,
  threadId: string,
  clientId: string,
): Promise<string | undefined> {
  for (let look = 1; ; look += 1) {
    const turnId = await lookOnce(session, threadId, clientId);
    if (turnId !== undefined || look === maxLooks) return turnId;
    // What an idle thread does not have on the second look, it did not get.
    if (look > 1 && (await readThreadStatus(session, threadId)) === "idle") return undefined;
    await settleWithin(session.closed, pauseMs);
  }
}

async function lookOnce(
  session: Session,
  threadId: string,
  clientId: string,
): Promise<string | undefined> {
  const page = { threadId, sortDirection: "desc" } as const;
  try {
    const view = { limit: turnsBack, itemsView: "summary" } as const;
    const turns: unknown = (await session.call("thread/turns/list", { ...page, ...view })).data;
    const turn = listOf(turns).find(({ items }) =>
      listOf(items).some((item) => item["clientId"] === clientId),
    );
    if (typeof turn?.["id"] === "string") return turn["id"];
  } catch (error) {
    // It has not run any turn, so neither this one.
    if (error instanceof ThreadNotFoundError) return undefined;
    throw error;
  }
  return lookInItems(session, { ...page, limit: itemsBack }, clientId);
}

async function lookInItems(
  session: Session,
  page: { threadId: string; limit: number; sortDirection: "desc" },
  clientId: string,
): Promise<string | undefined> {
  try {
    const entries: unknown = (await session.call("thread/items/list", page)).data;
    const entry = listOf(entries).find(
      ({ item }) => (item as { clientId?: unknown } | null)?.clientId === clientId,
    );
    return typeof entry?.["turnId"] === "string" ? entry["turnId"] : undefined;
  } catch {
    // A thread of an older runtime: its turns have told what there is.
    return undefined;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function listOf(value: unknown): Fields[] {
  if (!Array.isArray(value)) return [];
  return value.filter((each: unknown): each is Fields => typeof each === "object" && each !== null);
}
