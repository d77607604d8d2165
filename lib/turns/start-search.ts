import { Deferred, ignoreRejection } from "../async/deferred.js";
import { settleWithin } from "../async/timers.js";
import { TransportClosedError } from "../errors/connection-errors.js";
import type { Host } from "../host.js";
import { turnIdOf } from "../rpc/notification-route.js";
import type { TurnMatch } from "../rpc/unclaimed-events.js";
import type { ItemMatch } from "./late-start.js";
import type { StartPlace } from "./turn-start.js";

/** What is known of a turn that is looked for among the events. */
export interface Sighting {
  readonly id: Promise<string>;
  latest(): string | undefined;
}

/**
 * How long after a turn without any item the one that is looked for may take to begin, before the
 * server is asked whether it still will (ms). It follows within a few milliseconds.
 */
const followGraceMs = 1_000;

/** Looks for a turn with such an item, among all the items that it starts. */
export function lookForItem({ pending }: StartPlace, fits: ItemMatch): Sighting {
  return look(pending.find(startsItem((item) => fits(item) || undefined)));
}

/**
 * Looks for a turn that begins with such an item.
 *
 * One that ends without any item may be ours, or a goal's that the server has cut short to make room
 * for ours. What tells is whether another one follows: if the thread stays at rest, it was ours.
 */
export function lookForFirstItem(place: StartPlace, fits: ItemMatch): Sighting {
  const { host, threadId, pending, ended } = place;
  const alone = new Deferred<string>();
  const first = startsItem(fits);
  let followed = new Deferred<void>();
  const found = pending.find((event) => {
    if (event.method === "turn/started") followed.resolve();
    if (event.method !== "turn/completed") return first(event);
    const turnId = turnIdOf(event);
    followed = new Deferred();
    const over = Promise.race([followed.promise, found, ended]);
    void staysAtRest(host, threadId, over).then((isAtRest) => {
      if (isAtRest && turnId !== undefined) alone.resolve(turnId);
    });
    return undefined;
  });
  return look(Promise.race([found, alone.promise]));
}

/** Whether the thread still runs no turn after a while, before `over` settles. Never rejects. */
async function staysAtRest(host: Host, threadId: string, over: Promise<unknown>): Promise<boolean> {
  const isOver = over.then(
    () => true,
    () => true,
  );
  while ((await settleWithin(isOver, followGraceMs)) === "timeout") {
    if (!(await isActive(host, threadId))) return true;
  }
  return false;
}

async function isActive(host: Host, threadId: string): Promise<boolean> {
  try {
    const { thread } = await host.call("thread/read", { threadId });
    return thread.status.type === "active";
  } catch (error) {
    // Together with its connection the turn comes to another end.
    return error instanceof TransportClosedError;
  }
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

function startsItem(fits: (item: Item) => boolean | undefined): TurnMatch {
  return ({ method, params }) => (method === "item/started" ? fits(itemIn(params)) : undefined);
}

type Item = Parameters<ItemMatch>[0];

function itemIn(params: unknown): Item {
  const { item } = (params ?? {}) as { item?: unknown };
  return typeof item === "object" && item !== null ? (item as Item) : {};
}
