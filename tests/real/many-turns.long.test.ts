import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Codex, Thread, TurnEvent } from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { RealStage } from "../support/real.js";

const count = 200;

let stage: RealStage;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open();
  // All of them start at once, and each waits for those before it.
  codex = stage.codex({ requestTimeoutMs: 200_000 });
});
afterAll(() => stage.close());

test("200 turns that run at the same time on 200 threads all end, and none is mixed up", async () => {
  // No model says more than its first word before all of them have been heard.
  const gate = reply.hold();
  stage.model.respond(({ lastUserText }) => reply.text(["Heard ", gate, lastUserText]));
  const threads = await Promise.all(Array.from({ length: count }, () => codex.startThread()));
  expect(new Set(threads.map(({ id }) => id)).size).toBe(count);

  let running = 0;
  const hear = async (thread: Thread, index: number) => {
    const turn = thread.turn(`marker ${index} of ${thread.id}`);
    const events: TurnEvent[] = [];
    for await (const event of turn) {
      events.push(event);
      if (event.method !== "item/agentMessage/delta" || event.params.delta !== "Heard ") continue;
      running += 1;
      if (running === count) gate.release();
    }
    return { turn, events, result: await turn.run() };
  };
  const heard = await Promise.all(threads.map(hear));

  expect(running).toBe(count);
  for (const [index, { turn, events, result }] of heard.entries()) {
    const said = `marker ${index} of ${turn.threadId}`;
    expect(result).toMatchObject({ status: "completed", finalResponse: `Heard ${said}` });
    expect(result.items[0]).toMatchObject({ type: "userMessage", content: [{ text: said }] });
    expect(new Set(events.map(({ params }) => params.threadId))).toEqual(new Set([turn.threadId]));
    // A warning names its thread only.
    const ofTurn = events.filter(({ method }) => method !== "warning");
    const ids = ofTurn.map(({ params }) =>
      "turn" in params ? params.turn.id : "turnId" in params && params.turnId,
    );
    expect(new Set(ids)).toEqual(new Set([turn.id]));
    expect(events.at(-1)?.method).toBe("turn/completed");
  }
  expect(new Set(heard.map(({ turn }) => turn.id)).size).toBe(count);
  expect(stage.model.requests).toHaveLength(count);
}, 240_000);
