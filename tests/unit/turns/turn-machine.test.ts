import { readFileSync } from "node:fs";
import { describe, expect, test } from "@jest/globals";
import * as fc from "fast-check";
import {
  foundTurn,
  isBeingStopped,
  newTurn,
  phaseOf,
  soughtTurn,
  type TurnEffect,
  type TurnFacts,
  type TurnHappening,
  type TurnTimer,
} from "../../../lib/turns/machine/facts.js";
import { nextStep } from "../../../lib/turns/machine/next-step.js";
import { happenings, situations, withTurnTable } from "../../../scripts/architecture/turn-table.js";

const everything = Object.values(happenings);
const beginnings: readonly TurnFacts[] = [newTurn, soughtTurn, foundTurn(true), foundTurn(false)];
const failure = () => new Error("over");
const connectionOver: readonly TurnHappening[] = [
  { type: "cannotStart", failure },
  { type: "lost", failure, isDetached: false },
];

/** A server, a connection and a clock that do whatever they like, but nothing that cannot be. */
class World {
  turn: TurnFacts;
  readonly done: TurnEffect["do"][] = [];
  readonly timers = new Set<TurnTimer>();
  isAsked = false;
  isInterrupting = false;
  isAwaitingThread = false;

  constructor(turn: TurnFacts) {
    this.turn = turn;
  }

  happens(happening: TurnHappening): void {
    if (!this.#canBe(happening)) return;
    this.#forget(happening);
    const { turn, effects } = nextStep(this.turn, happening);
    this.turn = turn;
    for (const effect of effects) this.#perform(effect);
  }

  /** What never fits a turn that is not over. */
  problems(): string[] {
    const { turn, timers } = this;
    const isNamed = !["waiting", "sent", "searching"].includes(turn.stage);
    const problems = {
      "its end is overdue, and nobody asks about it":
        turn.stage === "overdue" && !timers.has("endOverdue") && !this.isAsked,
      "it is to be stopped, and nobody does":
        isNamed && isBeingStopped(turn) && !this.isInterrupting && !timers.has("interruptDue"),
      "it was given up, and its thread is never free":
        turn.isTold && !turn.hasLeft && !this.isAwaitingThread,
      "it was stopped before it was sent, and waits on":
        turn.stage === "waiting" && turn.stop !== "unwanted",
      "it is told of an interrupt that is under way, and there is none":
        turn.interrupt !== "none" && !this.isInterrupting,
    };
    if (turn.stage === "over") return [];
    return Object.entries(problems).flatMap(([problem, is]) => (is ? [problem] : []));
  }

  #canBe({ type }: TurnHappening): boolean {
    switch (type) {
      case "endOverdue":
      case "stopGracePassed":
      case "interruptDue":
        return this.timers.has(type);
      case "told":
        return this.isAsked;
      case "interruptConfirmed":
      case "interruptRefused":
      case "interruptDropped":
      case "interruptFailed":
        return this.isInterrupting;
      case "threadFree":
        return this.isAwaitingThread;
      default:
        return true;
    }
  }

  #forget({ type }: TurnHappening): void {
    this.timers.delete(type as TurnTimer);
    if (type === "told") this.isAsked = false;
    if (type === "threadFree") this.isAwaitingThread = false;
    if (type.startsWith("interrupt") && type !== "interruptDue") this.isInterrupting = false;
  }

  #perform(effect: TurnEffect): void {
    this.done.push(effect.do);
    if (effect.do === "wait") this.timers.add(effect.for);
    if (effect.do === "stopWaiting") this.timers.delete(effect.for);
    if (effect.do === "awaitThread") this.isAwaitingThread = true;
    if (effect.do === "ask") {
      expect(this.isAsked).toBe(false);
      this.isAsked = true;
    }
    if (effect.do === "interrupt") {
      expect(this.isInterrupting).toBe(false);
      this.isInterrupting = true;
    }
  }
}

const ways = /^(sent|answerLost|notTaken|accepted|stopAsked|cutShort|stopGracePassed)$/;
const onTheWay = everything.filter(({ type }) => ways.test(type));
const histories = fc.record({
  beginning: fc.constantFrom(...beginnings),
  // Of all that can happen, little concerns a turn that is being brought to the server.
  way: fc.array(fc.constantFrom(...onTheWay), { maxLength: 8 }),
  life: fc.array(fc.constantFrom(...everything), { maxLength: 40 }),
});

describe("the life of a turn", () => {
  const cases = Object.keys(situations).flatMap((where) =>
    Object.keys(happenings).map((what) => [where, what] as const),
  );
  test.each(cases)("says what follows: %s, and %s", (where, what) => {
    const before = situations[where] as TurnFacts;
    const { turn, effects } = nextStep(before, happenings[what] as TurnHappening);
    expect(phaseOf(turn)).toMatch(/^(waiting|sent|running|ending|over)$/);
    // The end is the last that is done, and only the end ends it.
    const ends = effects.map((effect) => effect.do === "end");
    expect(ends.indexOf(true)).toBe(turn.stage === "over" ? effects.length - 1 : -1);
  });

  test("goes on with nothing once it is over", () => {
    for (const before of Object.values(situations)) {
      const over = { ...before, stage: "over" } as const;
      for (const happening of everything) {
        expect(nextStep(over, happening)).toEqual({ turn: over, effects: [] });
      }
    }
  });

  test("ends with the connection, wherever it stands, and once", () => {
    fc.assert(
      fc.property(histories, ({ beginning, way, life }) => {
        const world = new World(beginning);
        for (const happening of [...way, ...life, ...connectionOver, ...life])
          world.happens(happening);
        expect(world.turn.stage).toBe("over");
        expect(world.done.filter((what) => what === "end")).toHaveLength(1);
        expect(world.done.at(-1)).toBe("end");
        expect(world.done.filter((what) => what === "tell").length).toBeLessThan(2);
      }),
    );
  });

  test("is never left to itself", () => {
    fc.assert(
      fc.property(histories, ({ beginning, way, life }) => {
        const world = new World(beginning);
        for (const happening of [...way, ...life]) {
          world.happens(happening);
          expect(world.problems()).toEqual([]);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("tells nobody of a stall who has been told of the end", () => {
    fc.assert(
      fc.property(histories, ({ beginning, way, life }) => {
        const world = new World(beginning);
        for (const happening of [...way, ...life]) world.happens(happening);
        const told = world.done.findIndex((what) => what === "tell");
        if (told !== -1) expect(world.done.slice(told)).not.toContain("tellStalled");
      }),
    );
  });

  test("is shown in docs/architecture.md as it is: npm run architecture writes it", () => {
    const document = readFileSync("docs/architecture.md", "utf8");
    expect(withTurnTable(document)).toBe(document);
  });
});
