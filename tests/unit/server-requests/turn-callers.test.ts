import { describe, expect, test } from "@jest/globals";
import { AsyncLocalStorage } from "node:async_hooks";
import { SubagentTree } from "../../../lib/session/subagent-tree.js";
import { TurnCallers } from "../../../lib/session/requests/turn-callers.js";
import { turnCompleted } from "../../support/turn-messages.js";

const user = new AsyncLocalStorage<string>();

function stage() {
  const callers = new TurnCallers(new SubagentTree());
  /** A request that somebody sends; returns what is called with the answer. */
  const asked = (name: string, method: string, params: object) =>
    user.run(name, () => callers.asked(method, { threadId: "t", ...params }));
  /** Whose turn it is. */
  const whose = (turnId: string | undefined, threadId = "t"): string | undefined =>
    callers.contextOf(threadId, turnId)?.(() => user.getStore());
  return { callers, asked, whose };
}

const started = { turn: { id: "1" } };
const active = { goal: { status: "active" } };
const item = (turnId: string, fields: object) => ({
  method: "item/started",
  params: { threadId: "t", turnId, item: fields },
});

describe("whose turn it is, and for how long that is remembered", () => {
  test("of a turn, until it has completed", () => {
    const { callers, asked, whose } = stage();
    asked("Ada", "turn/start", {})(started);
    expect([whose("1"), whose(undefined), whose("2"), whose("1", "other")]).toEqual([
      "Ada",
      "Ada",
      undefined,
      undefined,
    ]);
    callers.observe(turnCompleted({ threadId: "t", turnId: "1" }) as never);
    expect(whose("1")).toBe(undefined);
  });

  test("input that becomes a part of a running turn leaves it to whoever began it", () => {
    const { asked, whose } = stage();
    asked("Ada", "turn/start", {})(started);
    asked("Grace", "turn/start", {})(started);
    expect(whose("1")).toBe("Ada");
  });

  test.each(["thread/closed", "thread/archived", "thread/deleted"])("not beyond %s", (method) => {
    const { callers, asked, whose } = stage();
    asked("Ada", "turn/start", {})(started);
    asked("Ada", "thread/goal/set", { objective: "-" })(active);
    asked("Ada", "thread/queue/add", { clientUserMessageId: "m" })({ queuedSubmission: { id: 1 } });
    callers.observe({ method, params: { threadId: "t" } });
    callers.observe(item("2", { type: "userMessage", clientId: "m" }));
    expect([whose("1"), whose("2")]).toEqual([undefined, undefined]);
  });

  test("of a turn that ended while the connection was away, no longer", () => {
    const { callers, asked, whose } = stage();
    asked("Ada", "turn/start", {})(started);
    callers.restored(() => true);
    expect(whose("1")).toBe("Ada");
    callers.restored(() => false);
    expect(whose("1")).toBe(undefined);
  });

  test("a request that is refused leaves nothing, and a goal that was there its own", () => {
    const { asked, whose } = stage();
    asked("Ada", "turn/start", {})();
    asked("Ada", "thread/goal/set", { objective: "-" })();
    expect(whose("1")).toBe(undefined);
    asked("Ada", "thread/goal/set", { objective: "-" })(active);
    asked("Grace", "thread/goal/set", { objective: "-" })();
    expect(whose("1")).toBe("Ada");
  });

  test("of a goal, from the request on, until it is at rest", () => {
    const { callers, asked, whose } = stage();
    const answered = asked("Ada", "thread/goal/set", { status: "active" });
    expect(whose("1")).toBe("Ada");
    // What is told of the goal before.
    callers.observe({ method: "thread/goal/cleared", params: { threadId: "t" } });
    answered(active);
    expect(whose("1")).toBe("Ada");
    callers.observe({
      method: "thread/goal/updated",
      params: { threadId: "t", goal: { status: "paused" } },
    });
    expect(whose("1")).toBe(undefined);
  });

  test.each([{ status: "paused" }, { tokenBudget: 5 }, { objective: "-", status: "paused" }])(
    "a change of a goal that starts nothing leaves it to whoever set it: %j",
    (params) => {
      const { asked, whose } = stage();
      asked("Ada", "thread/goal/set", { objective: "-" })(active);
      asked("Grace", "thread/goal/set", params)(active);
      expect(whose("1")).toBe("Ada");
    },
  );

  test("queued input that is taken out of the queue again leaves nothing", () => {
    const { callers, asked, whose } = stage();
    const queue = { clientUserMessageId: "m" };
    asked("Ada", "thread/queue/add", queue)({ queuedSubmission: { id: "q" } });
    asked("Grace", "thread/queue/delete", { queuedSubmissionId: "q" })({ deleted: true });
    callers.observe(item("1", { type: "userMessage", clientId: "m" }));
    expect(whose("1")).toBe(undefined);
  });

  test("no more threads than bounds allow are remembered", () => {
    const callers = new TurnCallers(new SubagentTree());
    for (let index = 0; index < 3_000; index += 1) {
      callers.asked("turn/start", { threadId: `${index}` })({ turn: { id: "1" } });
    }
    const known = Array.from({ length: 3_000 }, (_, index) => callers.contextOf(`${index}`, "1"));
    expect(known.filter((context) => context !== undefined)).toHaveLength(1_024);
    expect(known.at(-1)).toBeDefined();
  });

  test.each([undefined, null, 5, {}, { threadId: 5 }, { threadId: "t", turn: null }])(
    "params that are none of a turn disturb nothing: %j",
    (params) => {
      const { callers } = stage();
      for (const method of ["turn/start", "thread/goal/set", "thread/queue/add", "thread/read"]) {
        for (const answer of [undefined, null, 5, {}, { turn: null, goal: null }]) {
          callers.asked(method, params)(answer);
        }
      }
      for (const method of ["item/started", "turn/completed", "thread/goal/updated"]) {
        callers.observe({ method, params });
      }
    },
  );
});
