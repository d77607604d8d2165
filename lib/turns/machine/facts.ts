import type { Failure, LifePhase } from "../../async/life.js";
import type { EndedReport, TurnReport } from "../read-stored-turn.js";
import type { StallProbe } from "../turn-errors.js";

/**
 * Where a turn stands:
 *
 * - `waiting`: for the connection, for the turns before it, or for its thread to be loaded; nothing was sent
 * - `sent`: the request that starts it was written, and the server has not answered yet
 * - `searching`: the connection dropped before the answer came, or somebody else has started the turn; the server is
 *   asked whether it has it
 * - `accepted`: the server has named it, but not said that it runs
 * - `running`: the server has said so
 * - `away`: the connection dropped; events are held back until what was missed has been read
 * - `overdue`: its end should have come and did not; the server is asked what has become of it
 * - `over`: nothing more happens
 */
export type TurnStage =
  "waiting" | "sent" | "searching" | "accepted" | "running" | "away" | "overdue" | "over";

/** All that decides what happens next in the life of a turn. */
export interface TurnFacts {
  readonly stage: TurnStage;
  /** Whether the server has said that the turn runs. */
  readonly hasBegun: boolean;
  /** Whether those who wait have been told of an end: since then it is only being stopped. */
  readonly isTold: boolean;
  /** Whether nobody has ever waited for it. */
  readonly isUnwatched: boolean;
  /** `insisted`: it is tried again, whatever the server answers. */
  readonly stop: "unwanted" | "wanted" | "insisted" | "confirmed";
  /** Whether an interrupt is under way; `again`: the turn has begun since, so the next follows at once. */
  readonly interrupt: "none" | "sent" | "again";
  /** How often the server has not agreed to stop the turn. */
  readonly refusals: number;
  /** Whether the next turn may have gone onto the thread. */
  readonly hasLeft: boolean;
  /** Whether the server has said last that the thread runs no turn. */
  readonly threadIsIdle: boolean;
  /** Whether an error has come after which the server does not try again. */
  readonly hasFailed: boolean;
  /** Why the server is being asked about the turn at this moment. */
  readonly questions: readonly Question[];
  /** How often the server was asked about an overdue end without making things clear. */
  readonly rounds: number;
  /** Whether there was another sign of an end while the server was being asked about it. */
  readonly isSuspectedAgain: boolean;
}

/** Why the server may be asked about a turn. */
export type Question = "overdue" | "silence" | "refusal";

/** What can happen to a turn. */
export type TurnHappening =
  | { readonly type: "sent" }
  /** The connection dropped before the answer to the request came. */
  | { readonly type: "answerLost" }
  /** The server does not have the turn. It is sent again. */
  | { readonly type: "notTaken" }
  | { readonly type: "accepted" }
  | { readonly type: "cannotStart"; readonly failure: Failure }
  /** `turn/started`, or a turn that runs already has taken the input in. */
  | { readonly type: "started" }
  | { readonly type: "completed" }
  /** `error`; `isFinal`: the server does not try again. */
  | { readonly type: "error"; readonly isFinal: boolean }
  | { readonly type: "threadStatus"; readonly isIdle: boolean }
  | { readonly type: "dropped" }
  /** The connection is back, and what was missed has been delivered. */
  | { readonly type: "caughtUp"; readonly report: TurnReport }
  /** Nothing more will be heard of the turn. `isDetached`: it may run on. */
  | { readonly type: "lost"; readonly failure: Failure; readonly isDetached: boolean }
  | { readonly type: "endOverdue" }
  | { readonly type: "silent" }
  /** The server has told of the turn; `isSilent`: nothing has come of it for `idleTimeoutMs`. */
  | { readonly type: "told"; readonly report: TurnReport; readonly isSilent: boolean }
  /** `insist`: the stop is tried again, whatever the server answers. */
  | { readonly type: "stopAsked"; readonly insist: boolean }
  /** The signal has aborted, the time is up, or a budget is used up. */
  | { readonly type: "cutShort" }
  /** The turn is stopped, though nobody waits for it. */
  | { readonly type: "givenUp" }
  | { readonly type: "stopGracePassed" }
  | { readonly type: "interruptDue" }
  | Interruption
  /** The next turn may go onto the thread. */
  | { readonly type: "threadFree" };

export type Interruption =
  | { readonly type: "interruptConfirmed" }
  /** The server says that the turn does not run. */
  | { readonly type: "interruptRefused" }
  | { readonly type: "interruptDropped" }
  /** `isGone`: the server does not have the thread loaded. */
  | { readonly type: "interruptFailed"; readonly failure: Failure; readonly isGone: boolean };

/** What is waited for; when it passes, the happening of that name comes. */
export type TurnTimer = "endOverdue" | "stopGracePassed" | "interruptDue";

/** What is to be done. */
export type TurnEffect =
  /** Whoever waits for the turn to run goes on. */
  | { readonly do: "run" }
  /** `idleTimeoutMs` counts from now on. */
  | { readonly do: "watchSilence" }
  | { readonly do: "ignoreSilence" }
  | { readonly do: "wait"; readonly for: TurnTimer; readonly ms: number }
  | { readonly do: "stopWaiting"; readonly for: TurnTimer }
  /** Ask the server what it has stored of the turn. */
  | { readonly do: "ask" }
  /** Deliver the end that the server has told, and the items that are missing. */
  | { readonly do: "settle"; readonly report: EndedReport }
  /** Deliver an end that is made of the final error. */
  | { readonly do: "settleAsFailed" }
  | { readonly do: "tellStalled"; readonly probe: StallProbe }
  | { readonly do: "interrupt" }
  /** Those who have called `interrupt()` are told how it went. */
  | { readonly do: "answerStop"; readonly failure?: Failure }
  /** Log that the server has not confirmed the stop. */
  | { readonly do: "warn" }
  /** Find out when the next turn may go onto the thread. */
  | { readonly do: "awaitThread" }
  /** Let the next turn go onto the thread. */
  | { readonly do: "leaveThread" }
  /** Those who wait are told, though the turn is not over. */
  | { readonly do: "tell"; readonly failure?: Failure }
  /** Give everything back, and tell those who wait how it ended. */
  | { readonly do: "end"; readonly with: TurnEnd };

/** `unsent`: it was stopped before it was sent. `lost`: the server does not tell how it ended. */
export type TurnEnd = "itsResult" | "unsent" | "lost" | { readonly failure: Failure };

export interface TurnStep {
  readonly turn: TurnFacts;
  readonly effects: readonly TurnEffect[];
}

/** A turn that is to be sent. */
export const newTurn: TurnFacts = {
  stage: "waiting",
  hasBegun: false,
  isTold: false,
  isUnwatched: false,
  stop: "unwanted",
  interrupt: "none",
  refusals: 0,
  hasLeft: false,
  threadIsIdle: false,
  hasFailed: false,
  questions: [],
  rounds: 0,
  isSuspectedAgain: false,
};

/** A turn that the server has already. `hasBegun`: whether it has said that it runs. */
export function foundTurn(hasBegun: boolean): TurnFacts {
  return { ...newTurn, stage: "running", hasBegun };
}

/** A turn that somebody else has started, and that has to be found first. */
export const soughtTurn: TurnFacts = { ...newTurn, stage: "searching" };

/** How far that is in the life that turns share with goals and commands. */
export function phaseOf({ stage, isTold }: TurnFacts): LifePhase {
  if (stage === "over" || stage === "waiting") return stage;
  if (isTold) return "ending";
  return stage === "sent" || stage === "searching" ? "sent" : "running";
}

/** Whether somebody wants the turn to stop, and the server has not agreed yet. */
export function isBeingStopped({ stop }: TurnFacts): boolean {
  return stop === "wanted" || stop === "insisted";
}
