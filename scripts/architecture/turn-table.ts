import {
  foundTurn,
  newTurn,
  type TurnEffect,
  type TurnFacts,
  type TurnHappening,
} from "../../lib/turns/machine/facts.js";
import { nextStep } from "../../lib/turns/machine/next-step.js";

const failure = () => new Error("what went wrong");
const end = {
  status: "completed",
  error: null,
  startedAt: 1,
  completedAt: 2,
  durationMs: 3,
} as const;
const ended = {
  state: "ended",
  turn: { id: "turn-1", ...end },
  items: [],
  isLast: true,
} as const;
const running = { state: "running", items: undefined } as const;
const idle = { state: "unknown", threadIsIdle: true } as const;
const unknown = { state: "unknown", threadIsIdle: false } as const;
const unanswered = { state: "unanswered" } as const;

/** Where a turn can stand, one example of each, by what is said of it. */
export const situations: Readonly<Record<string, TurnFacts>> = {
  "`waiting`: for the connection, the turns before it, or its thread": newTurn,
  "`sent`: the request was written, and is not answered yet": { ...newTurn, stage: "sent" },
  "`searching`: the connection dropped before the answer came, or somebody else has started it": {
    ...newTurn,
    stage: "searching",
  },
  "`accepted`: the server has named it, but not said that it runs": {
    ...newTurn,
    stage: "accepted",
  },
  "`running`": foundTurn(true),
  "`running`, but nothing comes, and the server is asked": {
    ...foundTurn(true),
    questions: ["silence"],
  },
  "`running`, and it is to be stopped": { ...foundTurn(true), stop: "insisted", interrupt: "sent" },
  "`running`, and given up: those who wait have been told": {
    ...foundTurn(true),
    stop: "insisted",
    interrupt: "sent",
    isTold: true,
  },
  "`away`: the connection dropped, and events are held back": {
    ...foundTurn(true),
    stage: "away",
  },
  "`overdue`: its end should have come": {
    ...foundTurn(true),
    stage: "overdue",
    threadIsIdle: true,
    questions: ["overdue"],
  },
};

/** What can happen, by how the table calls it. */
export const happenings: Readonly<Record<string, TurnHappening>> = {
  "the request is written": { type: "sent" },
  "the connection drops before the answer": { type: "answerLost" },
  "the server turns out not to have it": { type: "notTaken" },
  "the server names it": { type: "accepted" },
  "it cannot be started": { type: "cannotStart", failure },
  "`turn/started`": { type: "started" },
  "`turn/completed`": { type: "completed" },
  "`error`, and the server tries again": { type: "error", isFinal: false },
  "`error`, the last": { type: "error", isFinal: true },
  "the thread is idle": { type: "threadStatus", isIdle: true },
  "the thread is active": { type: "threadStatus", isIdle: false },
  "the connection drops": { type: "dropped" },
  "what was missed has been read": { type: "caughtUp", report: running },
  "what was missed cannot be read": { type: "caughtUp", report: unanswered },
  "the connection is over": { type: "lost", failure, isDetached: false },
  "the thread is unsubscribed from": { type: "lost", failure, isDetached: true },
  "the time for the end is up": { type: "endOverdue" },
  "nothing comes for `idleTimeoutMs`": { type: "silent" },
  "the server says: it has ended": { type: "told", report: ended, isSilent: false },
  "the server says: it runs": { type: "told", report: running, isSilent: false },
  "the server says: the thread is idle": { type: "told", report: idle, isSilent: false },
  "the server says: nothing is known": { type: "told", report: unknown, isSilent: false },
  "the server does not say": { type: "told", report: unanswered, isSilent: true },
  "`interrupt()`": { type: "stopAsked", insist: false },
  "the loop is left": { type: "stopAsked", insist: true },
  "the signal aborts, `timeoutMs` is up, or a budget is used up": { type: "cutShort" },
  "nobody waits, and it is to stop": { type: "givenUp" },
  "the time for the stop is up": { type: "stopGracePassed" },
  "the time for an interrupt has come": { type: "interruptDue" },
  "the interrupt is confirmed": { type: "interruptConfirmed" },
  "the interrupt is refused": { type: "interruptRefused" },
  "the connection drops before the interrupt is answered": { type: "interruptDropped" },
  "the interrupt fails": { type: "interruptFailed", failure, isGone: false },
  "the thread is not loaded when it is interrupted": {
    type: "interruptFailed",
    failure,
    isGone: true,
  },
  "the next turn may go onto the thread": { type: "threadFree" },
};

/** The tables that docs/architecture.md shows: for each situation what changes something there. */
export function turnTable(): string {
  return Object.entries(situations)
    .map(([name, turn]) => `**${name}**\n\n${tableOf(turn)}`)
    .join("\n\n");
}

function tableOf(turn: TurnFacts): string {
  const rows = Object.entries(happenings).flatMap(([what, happening]) => {
    const { turn: next, effects } = nextStep(turn, happening);
    const isNews = JSON.stringify(next) !== JSON.stringify(turn) || effects.length > 0;
    const isKept = next.stage === turn.stage && effects.length === 0;
    const done = isKept ? "keep it in mind" : effects.map(inWords).join("; ");
    return isNews ? [[what, `\`${next.stage}\``, done]] : [];
  });
  return inColumns([["what happens", "then", "what is done"], ...rows]);
}

function inColumns(rows: readonly (readonly string[])[]): string {
  const [head = []] = rows;
  const widths = head.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    `| ${widths.map((width, column) => (cells[column] ?? "").padEnd(width)).join(" | ")} |`;
  const rule = line(widths.map((width) => "-".repeat(width)));
  return [line(head), rule, ...rows.slice(1).map(line)].join("\n");
}

function inWords(effect: TurnEffect): string {
  switch (effect.do) {
    case "wait":
      return `wait ${effect.ms} ms for ${waits[effect.for]}`;
    case "stopWaiting":
      return `stop waiting for ${waits[effect.for]}`;
    case "end":
      return `end: ${typeof effect.with === "string" ? ends[effect.with] : "with the error"}`;
    case "answerStop":
      return effect.failure ? "`interrupt()` rejects" : "`interrupt()` resolves";
    default:
      return words[effect.do];
  }
}

const waits = {
  endOverdue: "its end",
  stopGracePassed: "its end, being stopped",
  interruptDue: "the next interrupt",
} as const;

const ends = {
  itsResult: "with its result, or what has cut it short",
  unsent: "as interrupted, without having been sent",
  lost: "with a TurnLostError",
} as const;

const words = {
  run: "it can be steered",
  watchSilence: "`idleTimeoutMs` counts anew",
  ignoreSilence: "`idleTimeoutMs` counts no more",
  ask: "ask the server what it has stored",
  settle: "deliver what is missing, and the end",
  settleAsFailed: "deliver an end with the error",
  tellStalled: "those who wait get a TurnStalledError",
  interrupt: "`turn/interrupt`",
  warn: "log that the stop is not confirmed",
  awaitThread: "ask when the next turn may go onto the thread",
  leaveThread: "the next turn goes onto the thread",
  tell: "tell those who wait",
} as const;

const begin = "<!-- the life of a turn: made by npm run architecture -->";
const finish = "<!-- end of the life of a turn -->";

/** The document with the tables as they are now. */
export function withTurnTable(document: string): string {
  const [before, rest] = document.split(begin);
  const [, after] = (rest ?? "").split(finish);
  if (before === undefined || after === undefined) {
    throw new Error(
      `docs/architecture.md lacks "${begin}", or "${finish}" behind it: put both in.`,
    );
  }
  return `${before}${begin}\n\n${turnTable()}\n\n${finish}${after}`;
}
