import { Deferred, ignoreRejection } from "../async/deferred.js";
import { settleWithin } from "../async/timers.js";
import { turnIdOf } from "../messages/message-ids.js";
import type { TurnMatch } from "../session/unclaimed-events.js";
import { readThreadStatus } from "./ask-server.js";
import type { ItemMatch } from "./stop-unfollowed.js";
import type { StartPlace } from "./turn-request.js";

/** What is known of a turn that is looked for among the events. */
interface Sighting {
  readonly id: Promise<string>;
  latest(): string | undefined;
}

/**
 * How long after a turn without any item the one that is looked for may take to begin, before the
 * server is asked whether it still will (ms). It follows within a few milliseconds.
 */
const followGraceMs = 1_000;

/** The longest pause before the server is asked once more (ms). */
const maxPauseMs = 30_000;

/** How often the server may leave that unanswered, before its events are taken at their word. */
const maxUnanswered = 5;

/** Looks for a turn with such an item, among all the items that it starts. */
export function lookForItem({ pending }: StartPlace, fits: ItemMatch): Sighting {
  return look(pending.find(startsItem(orTellsNothing(fits))));
}

/** The same for a turn that may end without any item; see `lookForEnd`. */
export function lookForItemOrEnd(place: StartPlace, fits: ItemMatch): Sighting {
  return lookForEnd(place, startsItem(orTellsNothing(fits)));
}

/** Looks for a turn that begins with such an item, or ends without any; see `lookForEnd`. */
export function lookForFirstItem(place: StartPlace, fits: ItemMatch): Sighting {
  return lookForEnd(place, startsItem(fits));
}

/**
 * A turn that ends without any item may be ours, or a goal's that the server has cut short to make
 * room for ours. What tells is whether ours follows: if the thread comes to rest without it, the last
 * such turn was ours.
 */
function lookForEnd(place: StartPlace, shows: TurnMatch): Sighting {
  const alone = new Deferred<string>();
  /** The turns that have begun, and started no item so far. */
  const empty = new Set<string>();
  let last: string | undefined;
  const found = place.pending.find((event) => {
    const turnId = turnIdOf(event) ?? "";
    if (event.method === "turn/started") empty.add(turnId);
    if (event.method === "item/started") empty.delete(turnId);
    if (event.method === "turn/completed" && empty.delete(turnId)) {
      if (last === undefined) {
        void staysAtRest(place, found).then((isAtRest) => {
          if (isAtRest && last !== undefined) alone.resolve(last);
        });
      }
      last = turnId;
    }
    return shows(event);
  });
  return look(Promise.race([found, alone.promise]));
}

/** Whether the thread comes to rest before the turn is found, or given up. Never rejects. */
async function staysAtRest(
  { session, threadId, life }: StartPlace,
  found: Promise<unknown>,
): Promise<boolean> {
  const isOver = Promise.race([found, life.over]).then(
    () => true,
    () => true,
  );
  const slots = () => session.thread(threadId).slots;
  for (let pauseMs = followGraceMs, unanswered = 0; ;) {
    // Whatever runs meanwhile, for hours perhaps, its end is heard of.
    await Promise.race([isOver, slots().runningUntil]);
    if ((await settleWithin(isOver, pauseMs)) !== "timeout") return false;
    if (slots().isRunning) continue;
    const status = await readThreadStatus(session, threadId);
    // What has begun since the question is not in the answer.
    if (slots().isRunning) continue;
    if (status === "unknown") unanswered += 1;
    if (status === "idle" || unanswered === maxUnanswered) return true;
    pauseMs = Math.min(2 * pauseMs, maxPauseMs);
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

function orTellsNothing(fits: ItemMatch): (item: Item) => boolean | undefined {
  return (item) => fits(item) || undefined;
}

function startsItem(fits: (item: Item) => boolean | undefined): TurnMatch {
  return ({ method, params }) => (method === "item/started" ? fits(itemIn(params)) : undefined);
}

type Item = Parameters<ItemMatch>[0];

function itemIn(params: unknown): Item {
  const { item } = (params ?? {}) as { item?: unknown };
  return typeof item === "object" && item !== null ? (item as Item) : {};
}
