import { describe, expect, test } from "@jest/globals";
import { collect, settled } from "../../support/collect.js";
import { later, linkedThread, textsSent } from "../../support/linked-server.js";
import {
  textMessages,
  turnCompleted,
  turnMessages,
  turnRecord,
  turnStarted,
} from "../../support/turn-messages.js";

const threadId = "thread-1";
const ids = { threadId, turnId: "turn-1" };

describe('whenBusy: "steer"', () => {
  test("adds the input to the running turn: both handles share id and result", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("turn/start", () => ({ turn: turnRecord("turn-1") }));
    const first = thread.turn("A");
    await first.started;
    const [started, ...rest] = turnMessages({ ...ids, text: "Hello there" });
    server.send(started ?? {}, ...rest.slice(0, 2));
    await settled();
    const second = thread.turn("B", { whenBusy: "steer" });
    expect(await second.started).toEqual({ id: "turn-1" });
    expect(textsSent(server)).toEqual(["A", "B"]);
    server.send(...rest.slice(2));
    const [one, two] = await Promise.all([first.run(), second.run()]);
    expect(two).toEqual(one);
    expect(two.items).toMatchObject([{ text: "Hello there" }]);
  });

  test("gives no rest of a message that was under way: it comes when it is whole", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("turn/start", () => ({ turn: turnRecord("turn-1") }));
    const first = thread.turn("A");
    await first.started;
    const messages = turnMessages({ ...ids, text: "Half of it, whole." });
    server.send(...messages.slice(0, 3));
    await settled();
    const second = thread.turn("B", { whenBusy: "steer" });
    const texts = collect(second.textStream());
    await second.started;
    server.send(...messages.slice(3));
    expect(await texts).toEqual(["Half of it, whole."]);
    expect(await collect(first.textStream())).toEqual(["Half ", "of ", "it, ", "whole."]);
  });

  test("starts a turn of its own on an idle thread", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const turn = thread.turn("A", { whenBusy: "steer" });
    await turn.started;
    server.turn({ ...ids, text: "Hello" });
    expect((await turn.run()).finalResponse).toBe("Hello");
  });

  test("keeps the queue waiting until the shared turn has ended", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("turn/start", () => ({ turn: turnRecord("turn-1") }));
    const first = thread.turn("A");
    await first.started;
    const second = thread.turn("B", { whenBusy: "steer" });
    const third = thread.turn("C");
    await second.started;
    await settled();
    expect(textsSent(server)).toEqual(["A", "B"]);
    server.turn({ ...ids, text: "Hello" });
    await third.started;
    expect(textsSent(server)).toEqual(["A", "B", "C"]);
  });

  test("an early end of the shared turn reaches a handle whose answer comes after it", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("turn/start", () => ({ turn: turnRecord("turn-1") }));
    const first = thread.turn("A");
    await first.started;
    server.handle("turn/start", () => later);
    const second = thread.turn("B", { whenBusy: "steer" });
    await server.nextRequest("turn/start");
    const request = await server.nextRequest("turn/start");
    server.turn({ ...ids, text: "Hello" });
    await first.run();
    server.respond(request, { turn: turnRecord("turn-1") });
    expect(await second.run()).toEqual(await first.run());
  });

  test("joins a turn that somebody else started, and can steer it on", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const foreign = { threadId, turnId: "goal-turn" };
    server.send(turnStarted(foreign));
    await settled();
    server.handle("turn/start", () => ({ turn: turnRecord("goal-turn") }));
    const turn = thread.turn("A", { whenBusy: "steer" });
    await turn.started;
    server.send(...textMessages({ ...foreign, text: "Working" }));
    await turn.steer("B");
    server.send(turnCompleted(foreign));
    expect((await turn.run()).finalResponse).toBe("Working");
  });
});
