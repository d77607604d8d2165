import type { Failure } from "../../async/life.js";
import { isBeingStopped, type TurnFacts, type TurnHappening, type TurnStep } from "./facts.js";
import { caughtUp, suspectIf, told } from "./overdue.js";
import { ask, isHeard, isNamed, over, step } from "./step.js";
import {
  cutShort,
  giveUp,
  interrupt,
  interrupted,
  pursueStop,
  runs,
  stopAsked,
  stopUnwatched,
  threadFree,
} from "./stop.js";

/**
 * What becomes of a turn, and what is to be done, when something happens. Nothing is done here: the same
 * facts and the same happening always give the same step.
 */
export function nextStep(turn: TurnFacts, happening: TurnHappening): TurnStep {
  if (turn.stage === "over") return step(turn);
  switch (happening.type) {
    case "stopAsked":
      return turn.stage === "waiting" ? over(turn, "unsent") : stopAsked(turn, happening.insist);
    case "cutShort":
      return cutShort(turn);
    case "stopGracePassed":
      return turn.isTold || turn.stop === "unwanted" ? step(turn) : giveUp(turn);
    case "threadFree":
      return turn.isTold && !turn.hasLeft ? threadFree(turn) : step(turn);
    case "silent":
      return isHeard(turn) && !turn.isTold ? ask(turn, "silence") : step(turn);
    case "told":
      if (turn.questions.length === 0) return step(turn);
      return told(turn, happening.report, happening.isSilent);
    default:
      return isNamed(turn) ? nextOfNamed(turn, happening) : nextOnTheWay(turn, happening);
  }
}

/** Of a turn that is being brought to the server. */
function nextOnTheWay(turn: TurnFacts, happening: TurnHappening): TurnStep {
  switch (happening.type) {
    case "sent":
      if (turn.stage !== "waiting") return step(turn);
      return step({ ...turn, stage: "sent" }, { do: "watchSilence" });
    case "answerLost":
      return turn.stage === "sent" ? step({ ...turn, stage: "searching" }) : step(turn);
    case "notTaken":
      // Whoever has stopped it meanwhile does not want it to be sent again.
      return isBeingStopped(turn) ? over(turn, "unsent") : step({ ...turn, stage: "waiting" });
    case "cannotStart":
      return over(turn, { failure: happening.failure });
    case "accepted":
      return accepted({ ...turn, stage: "accepted" });
    default:
      return step(turn);
  }
}

/** Of a turn that the server has named. */
function nextOfNamed(turn: TurnFacts, happening: TurnHappening): TurnStep {
  switch (happening.type) {
    // What the server tells.
    case "started":
      return runs(turn);
    case "completed":
      return over(turn, "itsResult");
    case "error":
      return suspectIf(happening.isFinal, { ...turn, hasFailed: happening.isFinal });
    case "threadStatus":
      return suspectIf(happening.isIdle, { ...turn, threadIsIdle: happening.isIdle });
    case "endOverdue":
      return turn.stage === "overdue" ? ask(turn, "overdue") : step(turn);

    // What becomes of the connection.
    case "dropped":
      if (turn.stage === "away") return step(turn);
      return step({ ...turn, stage: "away" }, { do: "stopWaiting", for: "endOverdue" });
    case "caughtUp":
      return turn.stage === "away" ? caughtUp(turn, happening.report) : step(turn);
    case "lost":
      return lost(turn, happening.failure, happening.isDetached);

    // What becomes of the stop.
    case "givenUp":
      return stopUnwatched(turn);
    case "interruptDue":
      return isBeingStopped(turn) && turn.interrupt === "none" ? interrupt(turn) : step(turn);
    case "interruptConfirmed":
    case "interruptRefused":
    case "interruptDropped":
    case "interruptFailed":
      return turn.interrupt === "none" ? step(turn) : interrupted(turn, happening);
    default:
      return step(turn);
  }
}

function accepted(turn: TurnFacts): TurnStep {
  return turn.isTold ? pursueStop(turn) : pursueStop(turn, { do: "watchSilence" });
}

function lost(turn: TurnFacts, failure: Failure, isDetached: boolean): TurnStep {
  // Nobody hears of it any more, but whoever wanted it to stop wants that still.
  const runsOn = isDetached && isBeingStopped(turn);
  if (!runsOn) return over(turn, { failure });
  const insisting = { ...turn, stop: "insisted" } as const;
  return turn.isTold ? step(insisting) : giveUp(insisting, { failure });
}
