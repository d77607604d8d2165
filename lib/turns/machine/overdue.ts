import type { TurnReport } from "../read-stored-turn.js";
import type { Question, TurnFacts, TurnStep } from "./facts.js";
import { after, isFollowed, isHeard, isNamed, over, step } from "./step.js";
import { runs } from "./stop.js";

/** How long `turn/completed` may take after the thread went idle, or after an error that ends the turn (ms). */
const endGraceMs = 1_000;

/** The longest pause before the server is asked about it once more (ms). */
const maxPauseMs = 30_000;

/** How often the server may leave unanswered what became of an overdue end; see TurnLostError. */
const maxUnanswered = 3;

/** How often it may say that the turn runs, of a thread that is idle; the same. */
const maxContradictions = 5;

/** With `isSign`, something says that the turn is over, or will be at once: that is asked about soon. */
export function suspectIf(isSign: boolean, turn: TurnFacts): TurnStep {
  if (!isSign || !isFollowed(turn)) return step(turn);
  if (turn.questions.includes("overdue")) return step({ ...turn, isSuspectedAgain: true });
  return turn.stage === "overdue" && turn.rounds === 0 ? step(turn) : expectEnd(turn, 0);
}

/** The end is waited for once more, and then the server is asked. */
function expectEnd(turn: TurnFacts, rounds: number): TurnStep {
  const ms = Math.min(endGraceMs * 2 ** rounds, maxPauseMs);
  const overdue = { ...turn, stage: "overdue", rounds, isSuspectedAgain: false } as const;
  return step(overdue, { do: "wait", for: "endOverdue", ms });
}

/** What was missed while the connection was away has been delivered. */
export function caughtUp(turn: TurnFacts, report: TurnReport): TurnStep {
  const back = learn(backToNormal(turn), report);
  const { threadIsIdle, hasFailed } = back.turn;
  const isSign = threadIsIdle || hasFailed || report.state === "unanswered";
  return after(back, (known) => suspectIf(isSign, known));
}

function learn(turn: TurnFacts, report: TurnReport): TurnStep {
  if (report.state === "running") return isNamed(turn) ? runs(turn) : step(turn);
  const isIdle = report.state === "unknown" && report.threadIsIdle;
  return step({ ...turn, threadIsIdle: turn.threadIsIdle || isIdle });
}

export function told(before: TurnFacts, report: TurnReport, isSilent: boolean): TurnStep {
  const { questions } = before;
  const turn = { ...before, questions: [] };
  // What was missed is read when the connection is back; what was not sent, or is looked for, has no end.
  if (!isHeard(turn)) return step(turn);
  const concluded = after(learn(turn, report), (known) => conclude(known, report, questions));
  if (!questions.includes("silence") || !isSilent || turn.isTold) return concluded;
  const probe = report.state === "running" ? "running" : "unknown";
  return after(concluded, (open) => step(open, { do: "tellStalled", probe }));
}

function conclude(turn: TurnFacts, report: TurnReport, questions: readonly Question[]): TurnStep {
  const isOverdue = questions.includes("overdue");
  if (report.state === "ended") return step(backToNormal(turn), { do: "settle", report });
  if (isOverdue) return concludeOverdue(turn, report.state);
  // Of a turn that has not begun yet, an idle thread says nothing.
  const isGone = report.state === "unknown" && turn.hasBegun;
  return questions.includes("refusal") && isGone ? endWithout(turn) : step(turn);
}

function concludeOverdue(turn: TurnFacts, answer: "running" | "unknown" | "unanswered"): TurnStep {
  const { threadIsIdle, hasFailed } = turn;
  const round = turn.rounds + 1;
  switch (answer) {
    case "unknown":
      return after(endWithout(turn), allIsWell);
    case "running":
      if (!threadIsIdle && !hasFailed) return allIsWell(turn);
      if (threadIsIdle && round >= maxContradictions) return after(endWithout(turn), askAgain);
      return askAgain(turn);
    case "unanswered":
      return round >= maxUnanswered ? after(endWithout(turn), askAgain) : askAgain(turn);
  }
}

/** The turn runs, as far as is known. */
function allIsWell(turn: TurnFacts): TurnStep {
  return turn.isSuspectedAgain ? expectEnd(turn, 0) : step(backToNormal(turn));
}

function askAgain(turn: TurnFacts): TurnStep {
  return expectEnd(turn, turn.isSuspectedAgain ? 0 : turn.rounds + 1);
}

function backToNormal(turn: TurnFacts): TurnFacts {
  if (turn.stage === "sent") return turn;
  return { ...turn, stage: turn.hasBegun ? "running" : "accepted", rounds: 0 };
}

/** The turn is over, as far as is known, but the server does not tell how it ended. */
function endWithout(turn: TurnFacts): TurnStep {
  if (turn.hasFailed) return step(turn, { do: "settleAsFailed" });
  return turn.threadIsIdle ? over(turn, "lost") : step(turn);
}
