import { expect, test } from "@jest/globals";
import type { GoalEvent } from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { expectAtRest } from "../support/at-rest.js";
import { collect } from "../support/collect.js";
import { RealStage } from "../support/real.js";

/** The model says that the goal is reached, and a last word. */
const done = [reply.updateGoal("complete"), reply.text("Reached.")];

const isComplete = ({ params }: GoalEvent): boolean =>
  (params as { goal?: { status?: unknown } }).goal?.status === "complete";

test("a goal that is reached is one stream of all its turns, with one result", async () => {
  await using stage = await RealStage.open();
  const { model } = stage;
  const codex = stage.codex();
  const thread = await codex.startThread();
  model.enqueueFor(thread.id, reply.text("On my way."), reply.text("Nearly."), ...done);
  const goal = thread.runGoal("Reach the moon");
  const events = await collect(goal);
  const result = await goal.run();
  expect(result).toMatchObject({
    threadId: thread.id,
    status: "complete",
    error: null,
    goal: { objective: "Reach the moon", status: "complete", tokenBudget: null },
    turns: [
      { status: "completed", finalResponse: "On my way." },
      { status: "completed", finalResponse: "Nearly." },
      { status: "completed", finalResponse: "Reached." },
    ],
    finalResponse: "Reached.",
  });
  expect(result.items).toEqual(result.turns.flatMap(({ items }) => items));
  const used = result.turns.map(({ usage }) => usage?.turn.totalTokens ?? 0);
  expect(used.every((tokens) => tokens > 0)).toBe(true);
  expect(result.usage?.totalTokens).toBe(used.reduce((sum, tokens) => sum + tokens, 0));

  const methods = events.map(({ method }) => method);
  expect(methods.filter((method) => method === "turn/started")).toHaveLength(3);
  expect(methods.at(-1)).toBe("turn/completed");
  const complete = events.findIndex(isComplete);
  expect(complete).toBeGreaterThan(0);
  // The goal is complete before its last turn is.
  expect(complete).toBeLessThan(methods.lastIndexOf("turn/completed"));
  expect(events.filter(isComplete)).toHaveLength(1);
  expect(JSON.stringify(model.requests[0]?.input)).toContain("Reach the moon");
  await expectAtRest(model, thread);
});
