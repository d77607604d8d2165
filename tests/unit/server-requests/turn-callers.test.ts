import { describe, expect, test } from "@jest/globals";
import { AsyncLocalStorage } from "node:async_hooks";
import { TurnCallers } from "../../../lib/session/turn-callers.js";
import { turnCompleted } from "../../support/turn-messages.js";

const user = new AsyncLocalStorage<string>();

function stage() {
  const callers = new TurnCallers(() => undefined);
  /** A request that somebody sends; returns what is called with the answer. */
  const asked = (name: string, method: string, params: object) => {
    const answered = user.run(name, () => callers.asked(method, params));
    return (answer?: unknown) => answered?.(answer);
  };
  /** Whose turn it is. */
  const whose = (turnId: string | undefined): string | undefined =>
    callers.contextOf(turnId)?.(() => user.getStore());
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
    expect([whose("1"), whose(undefined), whose("2")]).toEqual(["Ada", "Ada", undefined]);
    callers.observe(turnCompleted({ threadId: "t", turnId: "1" }) as never);
    expect(whose("1")).toBe(undefined);
  });

  test("input that becomes a part of a running turn leaves it to whoever began it", () => {
    const { asked, whose } = stage();
    asked("Ada", "turn/start", {})(started);
    asked("Grace", "turn/start", {})(started);
    expect(whose("1")).toBe("Ada");
  });

  test("not beyond the end of its thread", () => {
    const { callers, asked, whose } = stage();
    asked("Ada", "turn/start", {})(started);
    asked("Ada", "thread/goal/set", { objective: "-" })(active);
    asked("Ada", "thread/queue/add", { clientUserMessageId: "m" })({ queuedSubmission: { id: 1 } });
    callers.forget();
    expect(callers.isIdle).toBe(true);
    callers.observe(item("2", { type: "userMessage", clientId: "m" }));
    expect([whose("1"), whose("2")]).toEqual([undefined, undefined]);
  });

  test("of a turn that ended while the connection was away, no longer", () => {
    const { callers, asked, whose } = stage();
    asked("Ada", "turn/start", {})(started);
    expect(whose("1")).toBe("Ada");
    callers.turnOver();
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

  test.each([{}, { clientUserMessageId: 5 }, { objective: 5, status: 5 }, { turn: null }])(
    "params that are none of a turn disturb nothing: %j",
    (params) => {
      const { callers } = stage();
      for (const method of ["turn/start", "thread/goal/set", "thread/queue/add", "thread/read"]) {
        for (const answer of [undefined, null, 5, {}, { turn: null, goal: null }]) {
          callers.asked(method, params)?.(answer);
        }
      }
      for (const method of ["item/started", "turn/completed", "thread/goal/updated"]) {
        callers.observe({ method, params });
      }
    },
  );
});
