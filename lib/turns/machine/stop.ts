import type { Failure } from "../../async/life.js";
import {
  isBeingStopped,
  type Interruption,
  type TurnEffect,
  type TurnFacts,
  type TurnStep,
} from "./facts.js";
import { after, ask, isFollowed, isNamed, over, step } from "./step.js";

/** How long after its answer the server may take to say that the turn runs (ms). */
export const runningGraceMs = 1_000;

/** How long a turn that is being stopped may take to end before those who wait are told otherwise (ms). */
export const stopGraceMs = 10_000;

/** How long a caller waits for the server to confirm a stop (ms). */
export const confirmationMs = 60_000;

/** The shortest and the longest pause before the server is asked again to stop the turn (ms). */
const minPauseMs = 50;
const maxPauseMs = 5_000;

/** Each time after so many refusals, the server is asked what has become of the turn. */
const refusalsBeforeQuestion = 3;

/** The server says that the turn runs: if it is to be stopped, it can be now. */
export function runs(turn: TurnFacts): TurnStep {
  const stage = turn.stage === "accepted" ? "running" : turn.stage;
  const running = { ...turn, stage, hasBegun: true };
  const begun = turn.hasBegun ? step(running) : step(running, { do: "run" });
  if (!isBeingStopped(turn)) return begun;
  if (turn.interrupt !== "none") return { ...begun, turn: { ...running, interrupt: "again" } };
  return after(begun, interrupt);
}

export function stopAsked(turn: TurnFacts, insist: boolean): TurnStep {
  if (turn.stop === "confirmed") return step(turn, { do: "answerStop" });
  const stop = insist || turn.stop === "insisted" ? "insisted" : "wanted";
  return isBeingStopped(turn) ? step({ ...turn, stop }) : pursueStop({ ...turn, stop });
}

/** Sends the interrupt as soon as the server would take it. */
export function pursueStop(turn: TurnFacts, ...effects: TurnEffect[]): TurnStep {
  const now = step(turn, ...effects);
  if (!isBeingStopped(turn) || !isNamed(turn)) return now;
  if (turn.stage !== "accepted") return after(now, interrupt);
  // Of a turn that runs already and has taken the input in, the server does not say so once more.
  return after(now, () => step(turn, { do: "wait", for: "interruptDue", ms: runningGraceMs }));
}

export function interrupt(turn: TurnFacts): TurnStep {
  return step({ ...turn, interrupt: "sent" }, { do: "interrupt" });
}

export function interrupted(turn: TurnFacts, outcome: Interruption): TurnStep {
  const answered = { ...turn, interrupt: "none" } as const;
  switch (outcome.type) {
    case "interruptConfirmed":
      return stopConfirmed(answered);
    case "interruptRefused":
      return interruptRefused(answered, turn.interrupt === "again");
    case "interruptDropped":
      return interrupt(answered);
    case "interruptFailed":
      return interruptFailed(answered, outcome.failure, outcome.isGone);
  }
}

function stopConfirmed(turn: TurnFacts): TurnStep {
  const confirmed = step({ ...turn, stop: "confirmed" }, { do: "answerStop" });
  return turn.hasLeft || turn.isUnwatched
    ? after(confirmed, (left) => over(left, "itsResult"))
    : confirmed;
}

/** The server says that the turn does not run: it says so before it begins, and after it has ended. */
function interruptRefused(turn: TurnFacts, hasBegunSince: boolean): TurnStep {
  const refused = { ...turn, refusals: turn.refusals + 1 };
  const isTime = isFollowed(turn) && refused.refusals % refusalsBeforeQuestion === 0;
  const asked = isTime ? ask(refused, "refusal") : step(refused);
  return after(asked, hasBegunSince ? interrupt : retry);
}

function interruptFailed(turn: TurnFacts, failure: Failure, isGone: boolean): TurnStep {
  const failed = { ...turn, refusals: turn.refusals + 1 };
  if (turn.stop !== "insisted") {
    return step({ ...failed, stop: "unwanted" }, { do: "answerStop", failure });
  }
  // It is not the answer that counts here, but that the turn stops. A thread that is gone runs none.
  if (isGone) return stopConfirmed(failed);
  return after(step(failed, { do: "answerStop", failure }), retry);
}

function retry(turn: TurnFacts): TurnStep {
  const ms = Math.min(minPauseMs * 2 ** (turn.refusals - 1), maxPauseMs);
  return step(turn, { do: "wait", for: "interruptDue", ms });
}

export function cutShort(turn: TurnFacts): TurnStep {
  if (turn.isTold) return step(turn);
  if (turn.stage === "waiting") return over(turn, "itsResult");
  const grace = { do: "wait", for: "stopGracePassed", ms: stopGraceMs } as const;
  return after(stopAsked(turn, true), (stopping) => step(stopping, grace));
}

export function stopUnwatched(turn: TurnFacts): TurnStep {
  if (turn.isTold) return step(turn);
  const unwatched: TurnEffect[] = [{ do: "tell" }, { do: "awaitThread" }];
  return after(stopAsked(turn, true), (stopping) =>
    step({ ...stopping, isTold: true, isUnwatched: true }, ...unwatched),
  );
}

/**
 * Those who wait are told, and the turn goes on being stopped. Its place on the thread is kept until the
 * server is done with it.
 */
export function giveUp(turn: TurnFacts, cause: { failure?: Failure } = {}): TurnStep {
  const isConfirmed = turn.stop === "confirmed";
  const effects: TurnEffect[] = [
    { do: "ignoreSilence" },
    { do: "tell", ...cause },
    { do: "awaitThread" },
  ];
  return step(
    { ...turn, isTold: true },
    ...(isConfirmed ? effects : [{ do: "warn" } as const, ...effects]),
  );
}

export function threadFree(turn: TurnFacts): TurnStep {
  const left = step({ ...turn, hasLeft: true }, { do: "leaveThread" });
  // What has no name by then is looked for no longer; an answer that is still to come is seen to.
  const isDone = turn.stop === "confirmed" || !isNamed(turn);
  return isDone ? after(left, (done) => over(done, "itsResult")) : left;
}
