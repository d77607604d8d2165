import { describe, expect, jest, test } from "@jest/globals";
import { Budget } from "../../../lib/index.js";
import { ToldUsage } from "../../support/told-usage.js";

const thread = "thread-1";

/** What is told of some turns, from the first update on. */
type Step = (told: ToldUsage) => void;

const starts =
  (turnId: string): Step =>
  (told) => {
    told.started(thread, turnId);
  };
const uses =
  (turnId: string, total: number, last: number): Step =>
  (told) => {
    told.used(thread, turnId, total, last);
  };
const ends =
  (turnId: string, status?: string): Step =>
  (told) => {
    told.completed(thread, turnId, status);
  };
const item =
  (turnId: string, type: string, phase: "started" | "completed"): Step =>
  (told) => {
    told.item(thread, turnId, type, phase);
  };
const opens =
  (method?: string): Step =>
  (told) => {
    told.opened(thread, method);
  };
const drops: Step = ({ ledger, context }) => {
  ledger.dropped(context);
};
const dies: Step = ({ ledger, context }) => {
  ledger.lost(context);
};
const compacts = item("b", "contextCompaction", "started");
const hasCompacted = item("b", "contextCompaction", "completed");

test.each<[string, readonly Step[], Readonly<Record<string, number | null>>]>([
  ["one response", [opens(), starts("a"), uses("a", 15, 15), ends("a")], { a: 15 }],
  [
    "several responses, one of which was never reported on its own",
    [opens(), starts("a"), uses("a", 15, 15), uses("a", 65, 20), ends("a")],
    { a: 65 },
  ],
  [
    "an update that is repeated, in and behind its turn",
    [
      ...[opens(), starts("a"), uses("a", 15, 15), uses("a", 15, 15), ends("a")],
      ...[uses("a", 15, 15), starts("b"), uses("a", 15, 15), uses("b", 35, 20), ends("b")],
    ],
    { a: 15, b: 20 },
  ],
  [
    "a turn that fails before its first response, and is told the one of the turn before",
    [
      ...[opens(), starts("a"), uses("a", 15, 15), ends("a")],
      ...[starts("b"), uses("b", 15, 15), ends("b", "failed")],
      ...[starts("c"), uses("c", 18, 3), ends("c")],
    ],
    { a: 15, b: 0, c: 3 },
  ],
  ["a turn that is told nothing", [opens(), starts("a"), ends("a")], { a: null }],
  [
    "a thread that is resumed, and repeats its newest update",
    [opens("thread/resume"), uses("old", 100, 40), starts("a"), uses("a", 115, 15), ends("a")],
    { a: 15 },
  ],
  [
    "a thread that is resumed, and repeats its newest update when the next turn fails",
    [
      ...[opens("thread/resume"), uses("old", 100, 40), starts("a"), uses("a", 100, 40)],
      ends("a", "interrupted"),
    ],
    { a: 0 },
  ],
  [
    "a thread of which nothing was known, whose turn answers",
    [
      ...[opens("thread/resume"), starts("a"), item("a", "agentMessage", "completed")],
      ...[uses("a", 115, 15), uses("a", 135, 20), ends("a")],
    ],
    { a: 35 },
  ],
  [
    "a thread of which nothing was known, whose turn fails at once",
    [opens("thread/resume"), starts("a"), uses("a", 115, 15), ends("a", "failed")],
    { a: 0 },
  ],
  [
    "a thread of which nothing was known, whose turn says nothing",
    [opens("thread/resume"), starts("a"), uses("a", 115, 15), ends("a")],
    { a: 15 },
  ],
  [
    "a thread of which nothing was known, whose turn is cut in its second response",
    [
      ...[opens("thread/resume"), starts("a"), uses("a", 115, 15), uses("a", 115, 15)],
      ends("a", "interrupted"),
    ],
    { a: 15 },
  ],
  [
    "a compaction",
    [
      ...[opens(), starts("a"), uses("a", 40, 40), ends("a"), starts("b"), compacts],
      ...[uses("b", 40, 40), uses("b", 55, 15), uses("b", 55, 6_000), hasCompacted, ends("b")],
    ],
    { a: 40, b: 15 },
  ],
  [
    "a compaction of a thread of which nothing was known",
    [
      ...[opens("thread/resume"), starts("b"), compacts, uses("b", 100, 40)],
      ...[uses("b", 115, 15), uses("b", 115, 6_000), hasCompacted, ends("b")],
    ],
    { b: 15 },
  ],
  [
    "a compaction of a thread of which nothing was known, that had nothing to repeat",
    [
      ...[opens("thread/resume"), starts("b"), compacts, uses("b", 15, 15)],
      ...[uses("b", 15, 6_000), hasCompacted, ends("b")],
    ],
    { b: 15 },
  ],
  [
    "a compaction that failed, of a thread of which nothing was known",
    [opens("thread/resume"), starts("b"), compacts, uses("b", 100, 40), ends("b", "failed")],
    { b: 0 },
  ],
  [
    "a compaction in front of an answer",
    [
      ...[opens("thread/resume"), starts("b"), compacts, uses("b", 100, 40)],
      ...[uses("b", 115, 15), uses("b", 115, 6_000), hasCompacted],
      ...[item("b", "agentMessage", "completed"), uses("b", 135, 20), ends("b")],
    ],
    { b: 35 },
  ],
  [
    "a connection that drops in mid-turn",
    [opens(), starts("a"), uses("a", 15, 15), drops, uses("a", 65, 20), ends("a")],
    { a: 65 },
  ],
  [
    "a connection that drops before the first update, which then comes late",
    [opens(), starts("a"), drops, uses("a", 65, 20), ends("a")],
    { a: 65 },
  ],
  [
    "a connection that dropped while the thread was used elsewhere",
    [
      ...[opens(), starts("a"), uses("a", 15, 15), ends("a"), drops, starts("b")],
      ...[item("b", "agentMessage", "completed"), uses("b", 1_020, 20), ends("b")],
    ],
    { a: 15, b: 20 },
  ],
  [
    "a server that dies, and the next, which knows more of the turn",
    [
      ...[opens(), starts("a"), uses("a", 15, 15), dies, opens("thread/resume")],
      ...[uses("a", 35, 20), starts("b"), uses("b", 40, 5), ends("b")],
    ],
    { a: 35, b: 5 },
  ],
  [
    "a history that was taken back, and its total with it",
    [
      ...[opens(), starts("a"), uses("a", 15, 15), ends("a"), starts("b"), uses("b", 35, 20)],
      ...[ends("b"), uses("a", 15, 15), starts("c"), uses("c", 22, 7), ends("c")],
    ],
    { a: 15, b: 20, c: 7 },
  ],
])("counts %s", (_, steps, totals) => {
  const told = new ToldUsage();
  for (const step of steps) step(told);
  expect(told.totals).toEqual(totals);
});

test("a record that is replaced has a higher revision, and all that the turn has used", () => {
  const told = new ToldUsage();
  for (const step of [opens(), starts("a"), uses("a", 15, 15), dies, uses("a", 35, 20)]) step(told);
  expect(
    told.records.map(({ revision, tokens, status }) => [revision, tokens?.total, status]),
  ).toEqual([
    [0, 15, "unknown"],
    [1, 35, "unknown"],
  ]);
});

test("a copy goes on counting from where its source stood, unless it was cut or the source runs", () => {
  const told = new ToldUsage();
  for (const step of [opens(), starts("a"), uses("a", 15, 15), ends("a")]) step(told);
  told.opened("copy", "thread/fork", { threadId: thread });
  told.started("copy", "b");
  told.used("copy", "b", 15, 15);
  told.used("copy", "b", 22, 7);
  told.completed("copy", "b");
  expect(told.totals).toEqual({ a: 15, b: 7 });
  told.opened("cut", "thread/fork", { threadId: thread, lastTurnId: "a" });
  told.started("cut", "c");
  expect(told.ledger.totalBefore("b")).toBeDefined();
  expect(told.ledger.totalBefore("c")).toBeUndefined();
});

test("a review, announced under another id, is one turn of which nothing is told", () => {
  const told = new ToldUsage();
  told.opened(thread);
  told.item(thread, "review", "enteredReviewMode", "started");
  told.started(thread, "other", "review");
  told.completed(thread, "review");
  expect(told.totals).toEqual({ review: null });
  expect(told.ledger.isOpen("other")).toBe(false);
});

describe("a turn that is found running", () => {
  test("counts from then on, for whom it works, and is stopped if its budget is used up", () => {
    const told = new ToldUsage(new Budget({ tokens: 20 }));
    told.opened(thread);
    told.ledger.found({ threadId: thread, turnId: "a" }, "a", told.context);
    told.ledger.found({ threadId: thread, turnId: "a" }, "a", told.context);
    told.parents.set("child", { threadId: thread, turnId: "a" });
    told.ledger.found({ threadId: "child", turnId: "b" }, "a", told.context);
    told.used(thread, "a", 15, 15);
    expect(told.stopped).toEqual([]);
    told.item("child", "b", "commandExecution", "started");
    told.used("child", "b", 7, 7);
    expect(told.stopped).toEqual(["a", "b"]);
    told.ledger.found({ threadId: "other", turnId: "c" }, null, told.context);
    expect(told.stopped).toEqual(["a", "b", "c"]);
    told.completed("child", "b");
    told.completed(thread, "a");
    expect(told.records).toMatchObject([
      { turnId: "b", rootTurnId: "a", tokens: { total: 7 }, isLowerBound: true },
      { turnId: "a", rootTurnId: "a", tokens: { total: 15 }, isLowerBound: true },
    ]);
  });

  test("is no other one when it is a review, which is listed under another id", () => {
    const told = new ToldUsage();
    told.opened(thread);
    told.ledger.found({ threadId: thread, turnId: "listed" }, "review", told.context);
    told.completed(thread, "review");
    told.ledger.lost(told.context);
    expect(told.records).toEqual([]);
  });
});

describe("whether more may have been used than is known", () => {
  test.each<[string, readonly Step[], boolean]>([
    ["a turn that completed", [ends("a")], false],
    ["a turn that was interrupted", [ends("a", "interrupted")], true],
    ["a turn that failed", [ends("a", "failed")], true],
    ["a turn during which the connection dropped", [drops, ends("a")], true],
    [
      "a turn whose response broke off",
      [
        (told) => {
          told.tell("error", { threadId: thread, turnId: "a", willRetry: true, error: {} });
        },
        ends("a"),
      ],
      true,
    ],
    [
      "a turn that was steered",
      [
        item("a", "userMessage", "started"),
        item("a", "userMessage", "completed"),
        item("a", "userMessage", "started"),
        ends("a"),
      ],
      true,
    ],
  ])("%s", (_, steps, isLowerBound) => {
    const told = new ToldUsage();
    for (const step of [opens(), starts("a"), uses("a", 15, 15), ...steps]) step(told);
    expect(told.records).toMatchObject([{ turnId: "a", isLowerBound }]);
    expect(told.ledger.summaryOf("a")).toMatchObject({ isLowerBound });
  });

  test("a turn some of whose sub-agents tell nothing, though they have worked", () => {
    const told = new ToldUsage();
    for (const step of [opens(), starts("a"), uses("a", 15, 15), ends("a")]) step(told);
    expect(told.ledger.summaryOf("a")?.isLowerBound).toBe(false);
    told.started("child", "b", "a");
    told.item("child", "b", "agentMessage", "completed");
    told.completed("child", "b");
    expect(told.ledger.summaryOf("a")).toMatchObject({ tokens: { total: 15 }, isLowerBound: true });
  });
});

describe("sub-agents", () => {
  function withChild(rootTurnId: string | null): ToldUsage {
    const told = new ToldUsage();
    told.opened(thread);
    told.started(thread, "a");
    told.named(thread, "a", "child");
    told.started("child", "b", rootTurnId);
    told.used("child", "b", 7, 7);
    told.used(thread, "a", 15, 15);
    return told;
  }

  test.each([["a"], [null]])("count for their root turn, which the server names as %s", (root) => {
    const told = withChild(root);
    told.item("child", "b", "agentMessage", "completed");
    told.completed("child", "b");
    told.completed(thread, "a");
    expect(told.records[0]).toMatchObject({
      turnId: "b",
      rootTurnId: "a",
      parentTurnId: "a",
      model: "gpt-y",
      modelProvider: null,
      isLate: false,
    });
    const { tokens, byModel } = told.ledger.summaryOf("a") ?? {};
    expect(tokens?.total).toBe(22);
    expect(byModel?.map((one) => [one.model, one.tokens.total])).toEqual(
      expect.arrayContaining([
        ["gpt-x", 15],
        ["gpt-y", 7],
      ]),
    );
  });

  test.each([[true], [false]])(
    "have a record with all that is known of them when they end before they are named (usage told: %s)",
    (hasUsage) => {
      const told = new ToldUsage();
      told.opened(thread);
      told.started(thread, "a");
      told.started("child", "b", "a");
      told.item("child", "b", "agentMessage", "completed");
      if (hasUsage) told.used("child", "b", 7, 7);
      told.completed("child", "b");
      told.named(thread, "a", "child");
      told.named(thread, "a", "child");
      const byModel = hasUsage ? [{ model: "gpt-y", tokens: { total: 7 } }] : [];
      expect(told.records).toMatchObject([
        { turnId: "b", revision: 0, model: null, parentTurnId: null },
        { turnId: "b", revision: 1, model: "gpt-y", parentTurnId: "a", byModel },
      ]);
      if (hasUsage) expect(told.ledger.summaryOf("a")?.byModel).toMatchObject(byModel);
    },
  );

  test.each([["a"], [null]])(
    "know their model and their caller when they are named in mid-turn, and the server names their root as %s",
    (root) => {
      const budget = new Budget({ tokens: 1_000 });
      const told = new ToldUsage(budget);
      // Until a sub-agent is named, nobody knows whose its turn is.
      if (root === null) told.strangers.add("b");
      told.opened(thread);
      told.started(thread, "a");
      told.started("child", "b", root);
      told.item("child", "b", "agentMessage", "completed");
      told.used("child", "b", 7, 7);
      told.named(thread, "a", "child");
      told.used("child", "b", 12, 5);
      told.completed("child", "b");
      const known = { parentTurnId: "a", rootTurnId: "a", model: "gpt-y" };
      const byModel = [{ model: "gpt-y", tokens: { total: 12 } }];
      expect(told.records).toMatchObject([{ revision: 0, ...known, byModel }]);
      expect(told.records[0]?.byModel).toHaveLength(1);
      expect(told.ledger.summaryOf("a")?.tokens.total).toBe(12);
      expect(budget.spent.tokens).toBe(12);
    },
  );

  test.each([["running"], ["over"]])(
    "work with those below them for the turn that they are named by last of all: %s",
    (state) => {
      const budget = new Budget({ tokens: 1_000 });
      const told = new ToldUsage(budget);
      for (const turnId of ["b", "c"]) told.strangers.add(turnId);
      told.opened(thread);
      told.started(thread, "a");
      told.started("child", "b", null);
      told.started("grandchild", "c", null);
      told.used("grandchild", "c", 7, 7);
      told.named("child", "b", "grandchild");
      if (state === "over") told.completed("grandchild", "c");
      told.named(thread, "a", "child");
      if (state !== "over") told.completed("grandchild", "c");
      expect(told.records).toMatchObject([{ turnId: "c", parentTurnId: "b", rootTurnId: "a" }]);
      expect(told.ledger.summaryOf("a")?.tokens.total).toBe(7);
      expect(budget.spent.tokens).toBe(7);
    },
  );

  test("work for nobody in the turns that their threads had before", () => {
    const told = new ToldUsage();
    told.opened(thread);
    told.started("child", "old");
    told.completed("child", "old");
    told.started("child", "other", "z");
    told.completed("child", "other");
    told.started(thread, "a");
    told.named(thread, "a", "child");
    const [old, other] = told.records;
    expect([old, other]).toMatchObject([
      { turnId: "old", parentTurnId: null, rootTurnId: "old" },
      { turnId: "other", parentTurnId: null, rootTurnId: "z" },
    ]);
    expect(told.records.slice(2)).toMatchObject([
      { turnId: "old", parentTurnId: null, revision: 1 },
      { turnId: "other", parentTurnId: null, revision: 1 },
    ]);
  });

  test("that outlive it have a late record", () => {
    const told = withChild("a");
    told.completed(thread, "a");
    told.completed("child", "b");
    expect(told.records.map(({ turnId, isLate }) => [turnId, isLate])).toEqual([
      ["a", false],
      ["b", true],
    ]);
  });
});

test("on a shared server, turns of others have no record and use nobody's budget", () => {
  const budget = new Budget({ tokens: 10 });
  const told = new ToldUsage(budget);
  told.strangers.add("a");
  for (const step of [opens(), starts("a"), uses("a", 15, 15), ends("a")]) step(told);
  told.started("child", "c", "a");
  told.used("child", "c", 7, 7);
  told.completed("child", "c");
  expect(told.records).toEqual([]);
  expect(budget.spent.tokens).toBe(0);
  for (const step of [starts("b"), uses("b", 18, 3), ends("b")]) step(told);
  expect(told.totals).toEqual({ b: 3 });
  expect(budget.spent.tokens).toBe(3);
});

describe("budgets", () => {
  test("are charged once, though a turn, its thread and its client have the same one", () => {
    const budget = new Budget({ tokens: 100 });
    const told = new ToldUsage(budget);
    told.opened(thread);
    told.ledger.budgets.bindThread(thread, {}, budget);
    told.started(thread, "a");
    told.used(thread, "a", 15, 15);
    told.ledger.attach({ threadId: thread, turnId: "a" }, budget, told.context);
    told.used(thread, "a", 25, 10);
    expect(budget.spent.tokens).toBe(25);
  });

  test("stop every turn that uses them, and a turn that begins afterwards", () => {
    const told = new ToldUsage(new Budget({ tokens: 20 }));
    told.opened(thread);
    told.started(thread, "a");
    told.started("child", "b", "a");
    told.item("child", "b", "commandExecution", "started");
    told.used("child", "b", 7, 7);
    expect(told.stopped).toEqual([]);
    told.used(thread, "a", 15, 15);
    expect(told.stopped).toEqual(["a", "b"]);
    told.started("late", "c", "a");
    expect(told.stopped).toEqual(["a", "b", "c"]);
  });

  test("of one turn are charged what it has used before its handle knew its id", () => {
    const told = new ToldUsage();
    const budget = new Budget({ tokens: 10 });
    told.opened(thread);
    told.started(thread, "a");
    told.used(thread, "a", 15, 15);
    told.ledger.attach({ threadId: thread, turnId: "a" }, budget, told.context);
    expect(budget.remaining.tokens).toBe(0);
    expect(told.stopped).toEqual(["a"]);
  });

  test("of a thread are those that its newest handle has", () => {
    const told = new ToldUsage();
    const [older, newer] = [new Budget({ tokens: 100 }), new Budget({ tokens: 100 })];
    const handle = {};
    const { budgets } = told.ledger;
    budgets.bindThread(thread, handle, older);
    budgets.bindThread(thread, {}, newer);
    budgets.bindThread(thread, handle, older);
    for (const step of [opens(), starts("a"), uses("a", 15, 15)]) step(told);
    expect([older.spent.tokens, newer.spent.tokens]).toEqual([0, 15]);
  });
});

describe("budgets of a turn whose sub-agent is named late", () => {
  const free = { input: 0, cachedInput: 0, cacheWriteInput: 0 };
  const prices = { "gpt-x": { ...free, output: 1e6 }, "gpt-y": { ...free, output: 2e6 } };
  /** What so many tokens cost: of output, `counts()` tells seven times as many. */
  const cost = (ofTurn: number, ofAgent: number): number => 7 * (ofTurn + 2 * ofAgent);

  interface Told {
    readonly told: ToldUsage;
    readonly budgets: Readonly<Record<"client" | "thread" | "turn", Budget>>;
  }

  /** A turn, with a sub-agent that has used 7 tokens; the server may say whom that works for. */
  function withNameless(limit: number, rootTurnId: string | null): Told {
    const make = (): Budget => new Budget({ tokens: 1_000, cost: limit, prices });
    const budgets = { client: make(), thread: make(), turn: make() };
    const told = new ToldUsage(budgets.client);
    told.opened(thread);
    told.ledger.budgets.bindThread(thread, {}, budgets.thread);
    told.started(thread, "a");
    told.ledger.attach({ threadId: thread, turnId: "a" }, budgets.turn, told.context);
    told.used(thread, "a", 15, 15);
    told.started("child", "b", rootTurnId);
    told.item("child", "b", "commandExecution", "started");
    told.used("child", "b", 7, 7);
    return { told, budgets };
  }

  test.each([["a"], [null]])(
    "are charged with all that it uses, once, at its price, when the server names its root as %s",
    (root) => {
      const { told, budgets } = withNameless(1_000, root);
      expect(told.stopped).toEqual([]);
      told.named(thread, "a", "child");
      told.named(thread, "a", "child");
      told.used("child", "b", 10, 3);
      for (const { spent } of Object.values(budgets)) {
        expect(spent).toEqual({ tokens: 25, cost: cost(15, 10) });
      }
      expect(told.stopped).toEqual([]);
    },
  );

  test("stop both turns when that uses them up", () => {
    const { told } = withNameless(cost(15, 7), "a");
    expect(told.stopped).toEqual([]);
    told.named(thread, "a", "child");
    expect(told.stopped).toEqual(["a", "b"]);
  });

  test("stop both turns when it is not named in ten seconds", () => {
    const now = jest.spyOn(performance, "now").mockReturnValue(0);
    try {
      const { told, budgets } = withNameless(1_000, "a");
      now.mockReturnValue(10_000);
      expect(told.stopped).toEqual([]);
      told.used("child", "b", 10, 3);
      expect(told.stopped).toEqual(["a", "b"]);
      expect(budgets.turn.missingPrice).toMatchObject({ model: null });
    } finally {
      now.mockRestore();
    }
  });

  test("are charged at its price also when it is named behind its end, or another model answers before", () => {
    const { told, budgets } = withNameless(1_000, "a");
    told.tell("model/rerouted", { threadId: "child", turnId: "b", toModel: "gpt-x" });
    told.used("child", "b", 10, 3);
    told.completed("child", "b");
    told.named(thread, "a", "child");
    expect(budgets.turn.spent.cost).toBe(cost(15 + 3, 7));
    expect(told.records.at(-1)).toMatchObject({
      turnId: "b",
      revision: 1,
      model: "gpt-x",
      byModel: expect.arrayContaining([
        expect.objectContaining({ model: "gpt-y", tokens: expect.objectContaining({ total: 7 }) }),
        expect.objectContaining({ model: "gpt-x", tokens: expect.objectContaining({ total: 3 }) }),
      ]),
    });
  });

  test.each<[string, Step]>([
    [
      "when its thread is loaded anew",
      (told) => {
        told.opened("child", "thread/resume", { threadId: "child" }, "gpt-y");
      },
    ],
    [
      "when the server tells the settings of its thread",
      (told) => {
        const threadSettings = { model: "gpt-y" };
        told.tell("thread/settings/updated", { threadId: "child", threadSettings });
      },
    ],
  ])("are charged at its price %s", (_, step) => {
    const { told, budgets } = withNameless(1_000, "a");
    step(told);
    expect(budgets.turn.spent.cost).toBe(cost(15, 7));
    told.completed("child", "b");
    expect(told.records).toMatchObject([{ turnId: "b", model: "gpt-y" }]);
  });

  test("are not charged at the price of a model that its thread is to use from now on", () => {
    const { told, budgets } = withNameless(1_000, "a");
    told.completed("child", "b");
    const params = { threadId: "child", model: "gpt-x" };
    told.opened("child", "thread/resume", params, "gpt-x");
    expect(budgets.turn.spent.cost).toBe(cost(15, 0));
  });
});

test("what a server sends instead of what it should changes nothing", () => {
  const told = new ToldUsage();
  const params: unknown[] = [
    undefined,
    null,
    5,
    [],
    {},
    { threadId: 5 },
    { threadId: thread, turn: 5 },
  ];
  const methods = ["turn/started", "turn/completed", "thread/tokenUsage/updated", "item/started"];
  for (const method of [...methods, "thread/settings/updated", "model/rerouted", "error"]) {
    for (const given of params) told.ledger.observe({ method, params: given }, told.context);
  }
  for (const step of [opens(), starts("a")]) step(told);
  told.tell("thread/tokenUsage/updated", {
    threadId: thread,
    turnId: "a",
    tokenUsage: { total: { totalTokens: "many" }, last: null },
  });
  for (const step of [uses("a", 15, 15), ends("a")]) step(told);
  expect(told.totals).toEqual({ a: 15 });
});

test("what it remembers is bounded", () => {
  const told = new ToldUsage();
  for (let i = 0; i < 12_000; i += 1) {
    told.opened(`thread-${i}`);
    told.started(`thread-${i}`, `turn-${i}`);
  }
  expect(told.ledger.isOpen("turn-0")).toBe(false);
  expect(told.ledger.totalBefore("turn-0")).toBeUndefined();
  expect(told.ledger.isOpen("turn-11999")).toBe(true);
  told.used("thread-11999", "turn-11999", 15, 15);
  told.completed("thread-11999", "turn-11999");
  expect(told.records).toHaveLength(1);
});
