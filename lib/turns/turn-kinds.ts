import { randomUUID } from "node:crypto";
import type { ReviewTarget, UserInput } from "../../generated/types.js";
import { RequestTimeoutError } from "../errors/connection-errors.js";
import { fieldOf } from "../messages/field-of.js";
import { idOf } from "../messages/id-of.js";
import type { GivenInput } from "../options/input.js";
import type { TurnStartSettings } from "../options/turn-options.js";
import { withServerPaths } from "../paths/with-server-paths.js";
import type { ParamsOf } from "../protocol.js";
import { prepareInput } from "../session/prepare-input.js";
import { checkJoin } from "../session/sandbox/hold-to-settings.js";
import { findTurnOfMessage } from "./find-stored-turn.js";
import { lookForItem, lookForItemOrEnd } from "./start-search.js";
import {
  interruptsLateTurn,
  stopUnfollowed,
  watchForLateTurn,
  type ItemMatch,
} from "./stop-unfollowed.js";
import { TurnNotStartedError } from "./turn-errors.js";
import type { StartPlace, TurnStart } from "./turn-request.js";

/** How the turn is known among the server's events. */
interface Signs {
  readonly isOurs?: ItemMatch;
  /** There when the answer does not name the turn: how it is looked for then. */
  readonly lookFor?: typeof lookForItem;
}

/** A turn that begins with a message of the user's. */
export function inputTurn(given: readonly GivenInput[], options: TurnStartSettings): TurnStart {
  // It comes back with the stored message, which tells whether a lost request has arrived.
  const { clientUserMessageId = randomUUID() } = options;
  const id = clientUserMessageId;
  let settings = options;
  let input: UserInput[] = [];
  const find = async (place: StartPlace): Promise<string | undefined> => {
    const turnId = await findTurnOfMessage(place.session, place.threadId, id ?? "");
    if (turnId !== undefined) stopIfGivenUp(place, turnId);
    return turnId;
  };
  return {
    method: "turn/start",
    prepare: async (session) => {
      settings = withServerPaths("turn/start", options, session.serverFiles);
      input = await prepareInput(session, given);
    },
    send: async (place) => {
      const { session, threadId } = place;
      checkJoin(session, threadId, settings);
      const owed = settings.permissions ? {} : session.memory.owedTo(threadId);
      const params = { ...owed, ...settings, clientUserMessageId, threadId, input };
      return send(place, "turn/start", params, {
        isOurs: (item) =>
          id !== null &&
          fieldOf(item, "type") === "userMessage" &&
          fieldOf(item, "clientId") === id,
      });
    },
    ...(id === null ? {} : { find }),
  };
}

/** What the server has queued for the thread: the one that is named, or the first. */
export function queuedTurn(queuedSubmissionId: string | undefined): TurnStart {
  return serviceTurn("thread/queue/start", { queuedSubmissionId });
}

/** The events of a review carry the answer's id, except for `turn/started`, which has one of its own. */
export function reviewTurn(target: ReviewTarget): TurnStart {
  const isOurs: ItemMatch = (item) => fieldOf(item, "type") === "enteredReviewMode";
  return serviceTurn("review/start", { target }, { isOurs });
}

/** The answer tells no id: the turn is the one with a compaction among its items. */
export function compactionTurn(): TurnStart {
  const isOurs: ItemMatch = (item) => fieldOf(item, "type") === "contextCompaction";
  return serviceTurn("thread/compact/start", {}, { isOurs, lookFor: lookForItemOrEnd });
}

/** The answer tells no id: the turn is the one with a command of the user's. */
export function shellTurn(command: string, timeoutMs: number | undefined): TurnStart {
  const isOurs: ItemMatch = (item) => fieldOf(item, "source") === "userShell";
  const params = { command, timeoutMs };
  return serviceTurn("thread/shellCommand", params, { isOurs, lookFor: lookForItemOrEnd });
}

function serviceTurn<M extends TurnStart["method"]>(
  method: M,
  params: Omit<ParamsOf<M>, "threadId">,
  signs: Signs = {},
): TurnStart {
  return {
    method,
    send: (place) =>
      send(place, method, { ...params, threadId: place.threadId } as ParamsOf<M>, signs),
  };
}

async function send<M extends TurnStart["method"]>(
  place: StartPlace,
  method: M,
  params: ParamsOf<M>,
  { isOurs, lookFor }: Signs,
): Promise<string> {
  const { session, threadId, life } = place;
  const seen = isOurs && (lookFor ?? lookForItem)(place, isOurs);
  let answer: unknown;
  try {
    const options = { ...interruptsLateTurn(session, threadId), ...place.request };
    answer = await session.call(method, params, options);
  } catch (error) {
    if (!(error instanceof RequestTimeoutError) || !error.sent) throw error;
    // The answer is missing, but the turn is there.
    const id = seen?.latest();
    if (id !== undefined) return id;
    if (isOurs) watchForLateTurn(session, threadId, isOurs);
    throw error;
  }
  const isNamed = !lookFor || !seen;
  const id = isNamed
    ? idOf("turn", answer)
    : await Promise.race([seen.id, life.over.then(neverStarted)]);
  stopIfGivenUp(place, id);
  return id;
}

/** The server has named the turn; nobody may wait for it any more. */
function stopIfGivenUp(place: StartPlace, turnId: string): void {
  if (place.life.isOver()) void stopUnfollowed(place.session, place.threadId, turnId);
}

function neverStarted(): never {
  throw new TurnNotStartedError();
}
