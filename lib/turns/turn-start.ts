import { randomUUID } from "node:crypto";
import type { ReviewTarget, UserInput } from "../../generated/types.js";
import { RequestTimeoutError } from "../errors/connection-errors.js";
import { TurnNotStartedError } from "./turn-errors.js";
import type { Session } from "../session/session.js";
import type { GivenInput } from "../options/input.js";
import { withServerPaths } from "../paths/with-server-paths.js";
import { prepareInput } from "../session/prepare-input.js";
import { idOf } from "../messages/id-of.js";
import type { RequestOptions } from "../jsonrpc/connection.js";
import { findTurnOfMessage } from "./find-turn.js";
import { interruptsLateTurn, watchForLateTurn, type ItemMatch } from "./late-start.js";
import { stopUnfollowed } from "./stop-unfollowed.js";
import { lookForFirstItem, lookForItem, lookForItemOrEnd, type Sighting } from "./start-search.js";
import type { TurnStartSettings } from "../options/turn-options.js";
import type { StartPlace, TurnStart } from "./start-place.js";

/** `checkJoin` throws when input with these settings must not become part of a turn that runs already. */
export function inputTurn(
  given: readonly GivenInput[],
  options: TurnStartSettings,
  checkJoin: (session: Session, threadId: string, settings: TurnStartSettings) => void,
): TurnStart {
  // It comes back with the stored message, which tells whether a lost request has arrived.
  const { clientUserMessageId = randomUUID() } = options;
  const id = clientUserMessageId;
  let settings = options;
  let input: UserInput[] = [];
  return {
    method: "turn/start",
    prepare: async (session) => {
      settings = withServerPaths("turn/start", options, session.serverFiles);
      input = await prepareInput(session, given);
    },
    send: async (place) => {
      const { session, threadId } = place;
      checkJoin(session, threadId, settings);
      return named(
        place,
        (options) => {
          const owed = settings.permissions ? {} : session.memory.owedTo(threadId);
          const params = { ...owed, ...settings, clientUserMessageId, threadId, input };
          return session.call("turn/start", params, options);
        },
        (item) => item["type"] === "userMessage" && id !== null && item["clientId"] === id,
      );
    },
    ...(id === null
      ? {}
      : {
          find: async (place) => {
            const turnId = await findTurnOfMessage(place.session, place.threadId, id);
            if (turnId !== undefined) stopIfGivenUp(place, turnId);
            return turnId;
          },
        }),
  };
}

/** What the server has queued for the thread: the one that is named, or the first. */
export function queuedTurn(queuedSubmissionId: string | undefined): TurnStart {
  return {
    method: "thread/queue/start",
    send: (place) =>
      named(place, (options) => {
        const params = { threadId: place.threadId, queuedSubmissionId };
        return place.session.call("thread/queue/start", params, options);
      }),
  };
}

/** The events of a review carry the answer's id, except for `turn/started`, which has one of its own. */
export function reviewTurn(target: ReviewTarget): TurnStart {
  return {
    method: "review/start",
    send: (place) =>
      named(
        place,
        (options) =>
          place.session.call("review/start", { threadId: place.threadId, target }, options),
        (item) => item["type"] === "enteredReviewMode",
      ),
  };
}

/** The answer tells no id: the turn is the one whose first item is a compaction. */
export function compactionTurn(): TurnStart {
  return {
    method: "thread/compact/start",
    send: (place) =>
      found(
        place,
        (options) =>
          place.session.call("thread/compact/start", { threadId: place.threadId }, options),
        (item) => item["type"] === "contextCompaction",
        lookForFirstItem,
      ),
  };
}

/** The answer tells no id: the turn is the one with a command of the user's, which may be part of it. */
export function shellTurn(command: string, timeoutMs: number | undefined): TurnStart {
  return {
    method: "thread/shellCommand",
    send: (place) =>
      found(
        place,
        (options) => {
          const params = { threadId: place.threadId, command, timeoutMs };
          return place.session.call("thread/shellCommand", params, options);
        },
        (item) => item["source"] === "userShell",
        lookForItemOrEnd,
      ),
  };
}

type Send = (options: RequestOptions) => Promise<unknown>;

/** Sends a request whose answer names the turn. */
async function named(place: StartPlace, send: Send, isOurs?: ItemMatch): Promise<string> {
  const seen = isOurs && lookForItem(place, isOurs);
  return begin(place, { send, isOurs, seen }, (answer) => idOf("turn", answer));
}

/** Sends a request whose answer does not: the turn is known by such an item. */
async function found(
  place: StartPlace,
  send: Send,
  isOurs: ItemMatch,
  lookFor: (place: StartPlace, isOurs: ItemMatch) => Sighting,
): Promise<string> {
  const seen = lookFor(place, isOurs);
  return begin(place, { send, isOurs, seen }, () =>
    Promise.race([seen.id, place.life.over.then(neverStarted)]),
  );
}

interface Beginning {
  readonly send: Send;
  readonly isOurs: ItemMatch | undefined;
  readonly seen: Sighting | undefined;
}

async function begin(
  place: StartPlace,
  { send, isOurs, seen }: Beginning,
  toId: (answer: unknown) => string | Promise<string>,
): Promise<string> {
  const { session, threadId } = place;
  let answer: unknown;
  try {
    answer = await send({ ...interruptsLateTurn(session, threadId), ...place.request });
  } catch (error) {
    if (!(error instanceof RequestTimeoutError) || !error.sent) throw error;
    // The answer is missing, but the turn is there.
    const id = seen?.latest();
    if (id !== undefined) return id;
    if (isOurs) watchForLateTurn(session, threadId, isOurs);
    throw error;
  }
  const id = await toId(answer);
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
