import { expect, test } from "@jest/globals";
import * as fc from "fast-check";
import { Budget, costOf, type Prices, type TurnUsageRecord } from "../../lib/index.js";
import { addUp } from "../../lib/usage/tokens.js";
import { ToldUsage } from "../support/told-usage.js";

const response = fc.record({
  tokens: fc.integer({ min: 1, max: 1_000 }),
  /** How often its update is told once more. */
  repeats: fc.nat(2),
  /** Whether the connection drops before its update, so that only the next one tells of it. */
  isMissed: fc.boolean(),
});

const ownTurn = fc.record({
  responses: fc.array(response, { maxLength: 3 }),
  status: fc.constantFrom("completed", "interrupted"),
});

const agent = fc.record({
  /** Whose it is: of the turn itself, or of one of the agents before. */
  caller: fc.nat(2),
  turns: fc.array(ownTurn, { minLength: 1, maxLength: 2 }),
  /** When its model is told, and by which of the turn's items, or by its thread. */
  naming: fc.constantFrom("early", "late", "resumed", "never"),
});

const root = fc.record({
  thread: fc.constantFrom("one", "two"),
  turn: ownTurn,
  agents: fc.array(agent, { maxLength: 3 }),
  /** Whether the server says for which turn its agents work. */
  isRootTold: fc.boolean(),
  /** Whether the handle knows the turn's id before it runs, or at any time. */
  isAttachedEarly: fc.boolean(),
});

const scenario = fc.record({
  roots: fc.array(root, { minLength: 1, maxLength: 4 }),
  /** On a shared server, a turn is nobody's until it is known whom it works for. */
  isShared: fc.boolean(),
  /** Which of those goes on that can. */
  picks: fc.array(fc.nat(), { minLength: 1, maxLength: 40 }),
  /** After how many steps the server dies, if it does. */
  dies: fc.option(fc.nat(60)),
});

const free = { input: 0, cachedInput: 0, cacheWriteInput: 0 };
const prices: Prices = { "gpt-x": { ...free, output: 1e6 }, "gpt-y": { ...free, output: 3e6 } };

/** What happens one after the other, each as soon as it can. */
type Lane = { readonly can?: () => boolean; readonly run: () => void }[];
type OwnTurn = typeof ownTurn extends fc.Arbitrary<infer Value> ? Value : never;

interface Place {
  readonly threadId: string;
  readonly turnId: string;
}

/** A server that runs turns on the threads "one" and "two" and on those of their agents, and all that is true of them. */
class Truth {
  readonly told: ToldUsage;
  readonly ofClient = limitless();
  readonly ofThreads = new Map([
    ["one", limitless()],
    ["two", limitless()],
  ]);
  readonly ofTurns = new Map<string, Budget>();
  /** The tokens of each turn, as far as an update has told of them. */
  readonly tokens = new Map<string, number>();
  /** The model of each thread, once it was told. */
  readonly models = new Map<string, string>();
  readonly started = new Set<string>();
  /** What each thread was told to have used, and what it has. */
  readonly #totals = new Map<string, { known: number | undefined; total: number; last: number }>();

  constructor() {
    this.told = new ToldUsage(this.ofClient);
    for (const [thread, budget] of this.ofThreads) {
      this.told.opened(thread);
      this.told.ledger.budgets.bindThread(thread, {}, budget);
      this.models.set(thread, "gpt-x");
      this.#totals.set(thread, { known: 0, total: 0, last: 0 });
    }
  }

  /** The newest record of each turn. */
  get records(): readonly TurnUsageRecord[] {
    return [...new Map(this.told.records.map((record) => [record.turnId, record])).values()];
  }

  turn({ threadId, turnId }: Place, root: string | null, { responses, status }: OwnTurn): Lane {
    const { told } = this;
    const totals = () => this.#totals.get(threadId) ?? { known: undefined, total: 0, last: 0 };
    const begin = (): void => {
      this.started.add(turnId);
      told.started(threadId, turnId, root);
    };
    const end = (): void => {
      const { known = 0, last } = totals();
      // What the server repeats then.
      if (status !== "completed" && known > 0) told.used(threadId, turnId, known, last);
      told.completed(threadId, turnId, status);
    };
    const respond = ({ tokens, repeats, isMissed }: OwnTurn["responses"][number], n: number) => {
      const { known, total: before } = totals();
      const total = before + tokens;
      told.item(threadId, turnId, "commandExecution", "started");
      // Where no total was told before, only the newest response is known; behind the last one nothing comes.
      if (isMissed && known !== undefined && n < responses.length - 1) {
        told.ledger.dropped(told.context);
        this.#totals.set(threadId, { known, total, last: tokens });
        return;
      }
      for (let i = 0; i <= repeats; i += 1) told.used(threadId, turnId, total, tokens);
      this.tokens.set(turnId, (this.tokens.get(turnId) ?? 0) + total - (known ?? 0));
      this.#totals.set(threadId, { known: total, total, last: tokens });
    };
    return [
      { run: begin },
      ...responses.map((response, n) => ({
        run: () => {
          respond(response, n);
        },
      })),
      { run: end },
    ];
  }
}

function limitless(): Budget {
  return new Budget({ tokens: 1e9, cost: 1e12, prices });
}

/** The lanes of a turn and of its agents: what happens in each, and what is to happen before. */
function lanesOf(truth: Truth, given: Given, isShared: boolean, number: number): Lane[] {
  const { thread, turn: own, agents, isRootTold, isAttachedEarly } = given;
  const { told } = truth;
  const place = { threadId: thread, turnId: `turn-${number}` };
  const { turnId } = place;
  const places: Place[] = [place];
  const attach = {
    can: () => isAttachedEarly || truth.started.has(turnId),
    run: () => {
      const budget = limitless();
      truth.ofTurns.set(turnId, budget);
      told.ledger.attach(place, budget, told.context);
    },
  };
  const lanes: Lane[] = [[attach], truth.turn(place, turnId, own)];
  agents.forEach(({ caller, turns, naming }, index) => {
    const threadId = `agent-${number}-${index}`;
    const by = places[caller % places.length] as Place;
    const ids = turns.map((_, n) => `${threadId}-${n}`);
    const [first = ""] = ids;
    places.push({ threadId, turnId: first });
    if (isShared && !isRootTold) for (const id of ids) told.strangers.add(id);
    const name = {
      // Early, before its turn; late, at any time later.
      can: () => truth.started.has(naming === "early" ? by.turnId : first),
      run: () => {
        truth.models.set(threadId, truth.models.get(threadId) ?? "gpt-y");
        if (naming === "resumed") {
          told.opened(threadId, "thread/resume", { threadId }, "gpt-y");
        } else told.named(by.threadId, by.turnId, threadId);
      },
    };
    const isReady = (): boolean =>
      truth.started.has(by.turnId) && (naming !== "early" || truth.models.has(threadId));
    const [begin, ...rest] = turns.flatMap((one, n) =>
      truth.turn({ threadId, turnId: ids[n] as string }, isRootTold ? turnId : null, one),
    );
    if (begin) lanes.push([{ ...begin, can: isReady }, ...rest]);
    if (naming !== "never") lanes.push([name]);
  });
  return lanes;
}
type Given = typeof root extends fc.Arbitrary<infer Value> ? Value : never;

/** Runs the lanes side by side, or until the server dies. */
function interleave(lanes: readonly Lane[], picks: readonly number[], steps: number): void {
  const left = lanes.map((lane) => [...lane]);
  for (let step = 0; step < steps; step += 1) {
    const able = left.filter(([next]) => next && (next.can?.() ?? true));
    if (able.length === 0) return;
    const lane = able[(picks[step % picks.length] as number) % able.length];
    lane?.shift()?.run();
  }
}

function totalOf(records: readonly TurnUsageRecord[]): number {
  return records.reduce((sum, { tokens }) => sum + (tokens?.total ?? 0), 0);
}

function spentOn(records: readonly TurnUsageRecord[]): { tokens: number; cost: number } {
  const byModel = records.flatMap((record) => record.byModel).filter(({ model }) => model !== null);
  return { tokens: totalOf(records), cost: costOf({ byModel }, prices) };
}

test("records, sums and budgets agree on what sub-agents use, whenever they are named and whatever is missed", () => {
  fc.assert(
    fc.property(scenario, ({ roots, isShared, picks, dies }) => {
      const truth = new Truth();
      const { told } = truth;
      const lanes = roots.map((one, number) => lanesOf(truth, one, isShared, number));
      // Turns of one thread run one after the other, their agents beside them.
      const ofThread = (thread: string): Lane =>
        roots.flatMap((one, n) => (one.thread === thread ? (lanes[n]?.[1] ?? []) : []));
      const others = lanes.flatMap(([attach = [], , ...agents]) => [attach, ...agents]);
      interleave([ofThread("one"), ofThread("two"), ...others], picks, dies ?? Infinity);
      told.ledger.lost(told.context);

      const { records } = truth;
      const recorded = new Set(records.map(({ turnId }) => turnId));
      for (const { turnId, threadId, tokens, byModel } of records) {
        expect(tokens?.total ?? 0).toBe(truth.tokens.get(turnId) ?? 0);
        const models = byModel.map(({ model }) => model);
        expect(models).toEqual(byModel.length > 0 ? [truth.models.get(threadId) ?? null] : []);
      }
      for (const turnId of truth.started) {
        if (!told.strangers.has(turnId)) expect(recorded).toContain(turnId);
      }
      expect(truth.ofClient.spent).toEqual(spentOn(records));
      for (const [thread, budget] of truth.ofThreads) {
        const ids = new Set(
          roots.flatMap((one, n) => (one.thread === thread ? [`turn-${n}`] : [])),
        );
        expect(budget.spent).toEqual(spentOn(records.filter((one) => ids.has(one.rootTurnId))));
      }
      for (const [turnId, budget] of truth.ofTurns) {
        const family = records.filter(({ rootTurnId }) => rootTurnId === turnId);
        const { tokens, byModel } = addUp(family.flatMap((one) => one.byModel));
        expect(budget.spent).toEqual(spentOn(family));
        const summary = told.ledger.summaryOf(turnId);
        expect(summary?.tokens.total ?? 0).toBe(tokens.total);
        expect(new Set(summary?.byModel ?? [])).toEqual(new Set(byModel));
      }
    }),
    { numRuns: 200 },
  );
});
