import { expect, test } from "@jest/globals";
import { InternalRpcError } from "../../../lib/errors/rpc-errors.js";
import { TurnNotStartedError } from "../../../lib/turns/turn-errors.js";
import { collect, rejection, settled } from "../../support/collect.js";
import { later, linkedThread, ResponseError } from "../../support/linked-server.js";
import {
  turnCompleted,
  turnMessages,
  turnRecord,
  turnStarted,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const interrupted = turnCompleted(ids, { status: "interrupted" });

test("a running turn is interrupted by its ids, and has a result", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.handle("turn/interrupt", () => {
    server.send(interrupted);
    return {};
  });
  const turn = thread.turn("Hi");
  await turn.started;
  server.send(turnStarted(ids));
  await turn.interrupt();
  expect((await turn.run()).status).toBe("interrupted");
  expect(server.paramsOf("turn/interrupt")).toEqual([ids]);
});

test("interrupt() resolves with the server's answer, before the end of the turn", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  server.send(turnStarted(ids));
  await turn.interrupt();
  expect(turn.state.status).toBe("inProgress");
  server.send(interrupted);
  expect((await turn.run()).status).toBe("interrupted");
});

test("a turn that is still queued is never sent", async () => {
  await using pair = await linkedThread();
  const { client, server, thread } = pair;
  const first = thread.turn("A");
  await first.started;
  server.send(turnStarted(ids));
  const second = thread.turn("B");
  const events = collect(second);
  await second.interrupt();
  expect(await second.run()).toMatchObject({ id: "", status: "interrupted", items: [] });
  expect(await events).toEqual([]);
  expect(second.id).toBeUndefined();
  expect(await rejection(second.started)).toBeInstanceOf(TurnNotStartedError);
  server.send(turnCompleted(ids));
  await first.run();
  await settled();
  expect(server.paramsOf("turn/start")).toHaveLength(1);
  expect(server.paramsOf("turn/interrupt")).toHaveLength(0);
  expect(client.session.thread("thread-1").slots.isBusy).toBe(false);
});

test("a turn that is interrupted in the tick of its making is never sent", async () => {
  await using pair = await linkedThread();
  const turn = pair.thread.turn("Hi");
  await turn.interrupt();
  expect((await turn.run()).status).toBe("interrupted");
  await settled();
  expect(pair.server.paramsOf("turn/start")).toHaveLength(0);
});

test("before the answer to turn/start, it waits for the id and for turn/started", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.handle("turn/start", () => later);
  const turn = thread.turn("Hi");
  const request = await server.nextRequest("turn/start");
  const interrupting = turn.interrupt();
  await settled();
  expect(server.paramsOf("turn/interrupt")).toHaveLength(0);
  server.respond(request, { turn: turnRecord("turn-1") });
  await turn.started;
  await settled();
  expect(server.paramsOf("turn/interrupt")).toHaveLength(0);
  server.send(turnStarted(ids));
  expect((await server.nextRequest("turn/interrupt")).params).toEqual(ids);
  await interrupting;
  server.send(interrupted);
  expect((await turn.run()).status).toBe("interrupted");
});

test("the server's refusal in the race before turn/started is not the last word", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  let refusals = 2;
  server.handle("turn/interrupt", () => {
    if (refusals > 0) {
      refusals -= 1;
      throw new ResponseError(-32_600, "no active turn to interrupt");
    }
    server.send(interrupted);
    return {};
  });
  const turn = thread.turn("Hi");
  await turn.started;
  server.send(turnStarted(ids));
  await turn.interrupt();
  expect((await turn.run()).status).toBe("interrupted");
  expect(server.paramsOf("turn/interrupt")).toEqual([ids, ids, ids]);
});

test("a turn/started that never comes delays it, no more", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.handle("turn/interrupt", () => {
    server.send(interrupted);
    return {};
  });
  const turn = thread.turn("Hi");
  await turn.started;
  await turn.interrupt();
  expect((await turn.run()).status).toBe("interrupted");
  expect(server.paramsOf("turn/interrupt")).toEqual([ids]);
});

test("many calls make one request", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  server.send(turnStarted(ids));
  await Promise.all([turn.interrupt(), turn.interrupt(), turn.interrupt()]);
  await turn.interrupt();
  server.send(interrupted);
  await turn.run();
  await turn.interrupt();
  expect(server.paramsOf("turn/interrupt")).toHaveLength(1);
});

test("after the end nothing is sent", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  server.turn({ ...ids, text: "Hello" });
  await turn.run();
  await turn.interrupt();
  expect(server.paramsOf("turn/interrupt")).toHaveLength(0);
  expect((await turn.run()).status).toBe("completed");
});

test("a server that never answers it, but ends the turn, holds nobody up", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.handle("turn/interrupt", () => later);
  const turn = thread.turn("Hi");
  await turn.started;
  server.send(turnStarted(ids));
  const interrupting = turn.interrupt();
  await server.nextRequest("turn/interrupt");
  server.send(interrupted);
  await interrupting;
  expect((await turn.run()).status).toBe("interrupted");
});

test("a turn that completes in the same moment stays completed", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.handle("turn/interrupt", () => {
    server.send(...turnMessages({ ...ids, text: "Done" }).slice(1));
    throw new ResponseError(-32_600, "no active turn to interrupt");
  });
  const turn = thread.turn("Hi");
  await turn.started;
  server.send(turnStarted(ids));
  await turn.interrupt();
  expect(await turn.run()).toMatchObject({ status: "completed", finalResponse: "Done" });
  expect(server.paramsOf("turn/interrupt")).toHaveLength(1);
});

test("another refusal is thrown, and the next call tries again", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.handle("turn/interrupt", () => {
    throw new ResponseError(-32_603, "out of luck");
  });
  const turn = thread.turn("Hi");
  await turn.started;
  server.send(turnStarted(ids));
  expect(await rejection(turn.interrupt())).toBeInstanceOf(InternalRpcError);
  server.handle("turn/interrupt", () => ({}));
  await turn.interrupt();
  expect(server.paramsOf("turn/interrupt")).toHaveLength(2);
  server.send(interrupted);
  await turn.run();
});
