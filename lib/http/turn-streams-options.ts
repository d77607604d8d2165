import { checkOptions, type KeysOf } from "../errors/check-options.js";
import {
  amount,
  anything,
  bytes,
  callback,
  check,
  checkFields,
  checkObject,
  flag,
  milliseconds,
  oneOf,
  type RulesOf,
} from "../errors/check-values.js";
import { outlineOf } from "../errors/error-outline.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import { readPartOptions, type PartOptions } from "../parts/part-options.js";
import type { RemoteTurns } from "./remote-turns.js";
import type { HttpRequest } from "./requests/http-request.js";
import type { TurnStreamStore } from "./streams/turn-stream-store.js";

/**
 * What somebody wants to do: see a turn, answer what it asks, add input to it, stop it; or use a thread, be it
 * to start a turn on it or to read it.
 */
export type AuthorizedAction = "watch" | "answer" | "steer" | "interrupt" | "thread";

/** Whose thread or turn it is about. */
export interface AuthorizedSubject {
  /** As it was given to `add()` or `ownThread()`. */
  readonly owner: string;
  readonly threadId: string;
  /** Undefined for a thread, and while the server has not named the turn. */
  readonly turnId: string | undefined;
  readonly action: AuthorizedAction;
}

/**
 * Says whether whoever has sent the request may do that: only `true` lets it pass. What it refuses does not
 * exist for them (404). When it throws or rejects, that is a refusal, too, and `onError` is told.
 */
export type Authorize = (
  request: HttpRequest,
  subject: AuthorizedSubject,
) => boolean | Promise<boolean>;

export interface TurnStreamsOptions {
  /**
   * Asked each time before somebody sees, answers, steers or stops a turn, or uses a thread. The simplest one
   * compares the user of the request's session with `owner`.
   */
  readonly authorize: Authorize;
  /** How long a turn can be seen after its end (ms; default 5 minutes). */
  readonly retainMs?: number | undefined;
  /**
   * How much is kept of each turn for viewers who come late or lag (bytes, roughly; default 4 MiB). When it
   * is more, what was replaced since is dropped, deltas are merged, and then the oldest deltas are dropped:
   * a viewer that is so far behind gets a `gap`.
   */
  readonly maxBytesPerTurn?: number | undefined;
  /** Where turns are kept (default: in this process). */
  readonly store?: TurnStreamStore | undefined;
  /**
   * The way to the turns in the store that other processes run, so that their viewers can answer, steer and stop them
   * here, too. Without it, that is refused with 421.
   */
  readonly remote?: RemoteTurns | undefined;
  /**
   * What becomes of a turn that nobody watches. By default it runs on. With `do: "interrupt"` it is stopped
   * when nobody has watched it for `afterMs`, counted from `add()` and from the leave of the last viewer in
   * this process.
   */
  readonly whenUnwatched?:
    { readonly afterMs: number; readonly do: "interrupt" | "keep" } | undefined;
  /** How long an approval or a question waits for an answer before it is declined (ms; default 10 minutes). */
  readonly answerWithinMs?: number | undefined;
  /**
   * Whether viewers may decide `"acceptForSession"`, which also covers what comes later on the thread (default
   * false: such a decision is refused, with 403).
   */
  readonly allowForSession?: boolean | undefined;
  /**
   * The origins of pages that may answer, steer and stop, such as `"https://app.example"` (default: the host
   * that the request itself goes to). Name them if a proxy changes the `Host` header.
   */
  readonly origins?: readonly string[] | undefined;
  /** What of a turn its viewers see. */
  readonly parts?: PartOptions | undefined;
  /** After how long without an event a comment is sent, which keeps the connection open (ms; default 15 s). */
  readonly heartbeatMs?: number | undefined;
  /**
   * For how long parts are gathered after others were sent (ms; default 50; 0: not at all). The first part after a
   * pause, and the end, are sent at once. Each send costs far more than the parts in it.
   */
  readonly batchMs?: number | undefined;
  /** How long a viewer that has lost its connection waits before the next (ms; default 1 s). */
  readonly retryMs?: number | undefined;
  /**
   * Gets what `authorize` and the store throw, a stop of an unwatched turn that fails, and in a chat whatever its
   * users are told of as a failure of the server (5xx). Default: a warning of the process, without the error's message.
   */
  readonly onError?: ((error: unknown) => void) | undefined;
}

const rules: RulesOf<TurnStreamsOptions> = {
  authorize: callback,
  retainMs: milliseconds,
  maxBytesPerTurn: bytes,
  store: anything,
  remote: {
    fits: (value) =>
      typeof value === "object" &&
      ["answer", "steer", "interrupt"].every((name) =>
        callback.fits(Reflect.get(value ?? {}, name)),
      ),
    problem: "must be an object with the functions answer, steer and interrupt",
  },
  whenUnwatched: anything,
  answerWithinMs: milliseconds,
  allowForSession: flag,
  origins: {
    fits: (value) => Array.isArray(value) && value.every(isOrigin),
    problem: 'must be an array of origins, such as "https://app.example"',
  },
  parts: anything,
  heartbeatMs: milliseconds,
  batchMs: amount,
  retryMs: milliseconds,
  onError: callback,
};
export const turnStreamsKeys: KeysOf<TurnStreamsOptions> = rules;

const minute = 60_000;

/** The options with their defaults. @throws InvalidArgumentError */
export function readStreamsOptions(options: TurnStreamsOptions) {
  checkOptions("new TurnStreams()", options, turnStreamsKeys);
  check("authorize", options.authorize, callback);
  checkFields(options, rules);
  const { whenUnwatched } = options;
  if (whenUnwatched) {
    const fields = { afterMs: milliseconds, do: oneOf("interrupt", "keep") };
    checkObject("whenUnwatched", whenUnwatched, fields);
    for (const name of ["afterMs", "do"] as const) {
      if (whenUnwatched[name] as unknown) continue;
      throw new InvalidArgumentError(`whenUnwatched.${name}`, "must be given");
    }
  }
  const {
    authorize,
    retainMs = 5 * minute,
    maxBytesPerTurn = 4 * 1_048_576,
    store,
    remote,
    answerWithinMs = 10 * minute,
    allowForSession = false,
    origins,
    parts = {},
    heartbeatMs = 15_000,
    batchMs = 50,
    retryMs = 1_000,
    onError = warnOfFailure,
  } = options;
  readPartOptions("TurnStreams", parts);
  return {
    authorize,
    limits: { retainMs, maxBytes: maxBytesPerTurn },
    store,
    remote,
    interruptUnwatchedMs: whenUnwatched?.do === "interrupt" ? whenUnwatched.afterMs : undefined,
    answerWithinMs,
    allowForSession,
    origins,
    parts,
    heartbeatMs,
    batchMs,
    retryMs,
    onError,
  };
}

/** What is done with an error that nobody else takes. */
export function warnOfFailure(error: unknown): void {
  process.emitWarning(`A stream of a turn failed: ${outlineOf(error)}`, "TurnStreamsWarning");
}

function isOrigin(value: unknown): boolean {
  return typeof value === "string" && URL.canParse(value) && new URL(value).origin === value;
}
