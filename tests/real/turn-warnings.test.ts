import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { rm, writeFile } from "node:fs/promises";
import path from "node:path";
import type { Codex, TurnEvent, TurnWarning } from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { collect } from "../support/collect.js";
import { RealStage } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;
let lines: string[];

/** A server whose folder for threads is a file: nothing can be stored, whoever runs it. */
beforeEach(async () => {
  stage = await RealStage.open();
  model = stage.model;
  lines = [];
  const logger = { warn: (line: string) => lines.push(line) };
  codex = stage.codex({ logger });
  await codex.client();
  const sessions = path.join(stage.home, "sessions");
  await rm(sessions, { recursive: true, force: true });
  await writeFile(sessions, "");
});
afterEach(() => stage.close());

const unsaved = /Failed to save the conversation/;

function ofSaving(warnings: readonly TurnWarning[]): TurnWarning[] {
  return warnings.filter(({ message }) => unsaved.test(message));
}

function warningsIn(events: readonly { method: string; params?: unknown }[]): string[] {
  return events
    .filter(({ method }) => method === "warning")
    .map(({ params }) => (params as { message: string }).message)
    .filter((message) => unsaved.test(message));
}

describe("a turn that could not be stored", () => {
  test("says so in its events, its state and its result, and in the log", async () => {
    const thread = await codex.startThread();
    const turn = thread.turn("Hi");
    const events: TurnEvent[] = await collect(turn);
    expect(events[0]?.method).toBe("turn/started");
    expect(events.at(-1)?.method).toBe("turn/completed");
    expect(warningsIn(events)).toHaveLength(1);
    const result = await turn.run();
    expect(result).toMatchObject({ status: "completed", finalResponse: expect.any(String) });
    expect(ofSaving(result.warnings)).toHaveLength(1);
    expect(turn.state.warnings).toEqual(result.warnings);
    const logged = lines.filter((line) => unsaved.test(line));
    expect(logged).toHaveLength(1);
    // What came before the turn was named is there, too; in the log without the model's name.
    expect(result.warnings[0]?.message).toContain("`mock-model`");
    expect(lines.join("\n")).toContain("Model metadata for … not found");
  });

  test("says so when nobody asked for it, and when it is a goal's", async () => {
    const thread = await codex.startThread();
    const turns = thread.unsolicitedTurns();
    const first = turns.next();
    await thread.queue.add("Queued");
    const { value: turn } = await first;
    expect(ofSaving((await turn?.run())?.warnings ?? [])).toHaveLength(1);
    await turns.return?.();

    model.enqueueFor(thread.id, reply.updateGoal("complete"));
    const goal = thread.runGoal("Work");
    const events = await collect(goal);
    const { turns: ofGoal } = await goal.run();
    expect(warningsIn(events).length).toBeGreaterThan(0);
    expect(ofGoal.flatMap(({ warnings }) => ofSaving(warnings)).length).toBeGreaterThan(0);
  });
});
