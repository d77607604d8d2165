import { describe, expect, test } from "@jest/globals";
import { initialTurnState, reduceTurn } from "../../../lib/turns/turn-state.js";
import type { TurnEvent } from "../../../lib/index.js";
import { collect, settled } from "../../support/collect.js";
import { later, linkedThread } from "../../support/linked-server.js";
import {
  turnCompleted,
  turnRecord,
  turnStarted,
  type Message,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const warning = (message: unknown, threadId: string | null = "thread-1"): Message => ({
  method: "warning",
  params: { threadId, message },
});
const shown = (events: readonly TurnEvent[]): string[] =>
  events.map(({ method, params }) => (method === "warning" ? params.message : method));

describe("a warning about a thread", () => {
  test("is an event of the turn that runs there, at its place, and in its state and result", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    const guardian = { threadId: "thread-1", message: "denied" };
    server.send(turnStarted(ids), warning("one"), warning("one"));
    server.send({ method: "guardianWarning", params: guardian }, warning("two"));
    server.send(warning("not this thread", "thread-2"), warning("none", null), turnCompleted(ids));
    const events = await collect(turn);
    expect(shown(events)).toEqual([
      "turn/started",
      "one",
      "one",
      "guardianWarning",
      "two",
      "turn/completed",
    ]);
    const { warnings } = await turn.run();
    expect(warnings).toEqual([
      { method: "warning", message: "one" },
      { method: "guardianWarning", message: "denied" },
      { method: "warning", message: "two" },
    ]);
    expect(turn.state.warnings).toEqual(warnings);
  });

  test("that comes before the turn has a name follows its start", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("turn/start", () => later);
    const turn = thread.turn("Hi");
    const request = await server.nextRequest("turn/start");
    server.send(warning("early"), turnStarted(ids), warning("late"));
    await settled();
    server.respond(request, { turn: turnRecord("turn-1") });
    server.send(turnCompleted(ids));
    const events = await collect(turn);
    expect(shown(events)).toHaveLength(4);
    expect(shown(events)[0]).toBe("turn/started");
    expect((await turn.run()).warnings.map(({ message }) => message)).toEqual(["early", "late"]);
  });

  test("that comes between two turns belongs to the next, for whoever waits for it", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const turns = thread.unsolicitedTurns();
    const next = turns.next();
    await settled();
    server.send(...Array.from({ length: 20 }, (_, index) => warning(`${index}`)));
    server.send(turnStarted(ids), turnCompleted(ids));
    const { value: turn } = await next;
    const { warnings } = (await turn?.run()) ?? { warnings: [] };
    expect(warnings.map(({ message }) => message)).toEqual(
      Array.from({ length: 16 }, (_, index) => `${index + 4}`),
    );
    server.send(turnStarted({ ...ids, turnId: "turn-2" }));
    server.send(turnCompleted({ ...ids, turnId: "turn-2" }));
    const { value: other } = await turns.next();
    expect((await other?.run())?.warnings).toEqual([]);
    await turns.return?.();
  });

  test("is no sign of the model: a turn that tries again goes on doing so", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const turn = thread.turn("Hi");
    await turn.started;
    const error = { message: "Reconnecting... 2/5", codexErrorInfo: null, additionalDetails: null };
    server.send(turnStarted(ids));
    server.send({ method: "error", params: { ...ids, error, willRetry: true } }, warning("one"));
    await settled();
    expect(turn.state).toMatchObject({ retry: { attempt: 2 }, warnings: [{ message: "one" }] });
    server.send(turnCompleted(ids));
    await turn.run();
  });
});

test("of many and long warnings, the newest hundred are kept, each by its beginning", () => {
  let state = initialTurnState("thread-1");
  for (let count = 0; count < 1_000; count += 1) {
    const message = `${count} ${"x".repeat(10_000)}`;
    state = reduceTurn(state, warning(message) as unknown as TurnEvent);
  }
  expect(state.warnings).toHaveLength(100);
  expect(state.warnings.at(-1)?.message.startsWith("999 ")).toBe(true);
  expect(state.warnings[0]?.message).toHaveLength(4_000);
  const odd = reduceTurn(state, warning(1) as unknown as TurnEvent);
  expect(odd).toBe(state);
});
