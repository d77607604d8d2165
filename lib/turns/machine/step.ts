import type { Question, TurnEffect, TurnEnd, TurnFacts, TurnStep } from "./facts.js";

/** What becomes of the turn, and what is to be done for it, in this order. */
export function step(turn: TurnFacts, ...effects: TurnEffect[]): TurnStep {
  return { turn, effects };
}

export function after(
  { turn, effects }: TurnStep,
  follow: (turn: TurnFacts) => TurnStep,
): TurnStep {
  if (turn.stage === "over") return { turn, effects };
  const second = follow(turn);
  return { turn: second.turn, effects: [...effects, ...second.effects] };
}

export function over(turn: TurnFacts, end: TurnEnd): TurnStep {
  return step({ ...turn, stage: "over", isTold: true }, { do: "end", with: end });
}

export function isNamed({ stage }: TurnFacts): boolean {
  return stage !== "waiting" && stage !== "sent" && stage !== "searching";
}

/** Whether its events come in. */
export function isFollowed({ stage }: TurnFacts): boolean {
  return stage === "accepted" || stage === "running" || stage === "overdue";
}

/** Whether its silence means anything: it does not while the turn is on its way, or events are held back. */
export function isHeard(turn: TurnFacts): boolean {
  return turn.stage === "sent" || isFollowed(turn);
}

/** One question at a time: its answer counts for everything that was to be known. */
export function ask(turn: TurnFacts, question: Question): TurnStep {
  if (turn.questions.includes(question)) return step(turn);
  const asking = { ...turn, questions: [...turn.questions, question] };
  return turn.questions.length > 0 ? step(asking) : step(asking, { do: "ask" });
}
