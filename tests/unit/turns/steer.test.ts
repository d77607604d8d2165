import { expect, test } from "@jest/globals";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import { ThreadBusyError, TurnNotActiveError } from "../../../lib/errors/rpc-errors.js";
import { TurnNotStartedError } from "../../../lib/turns/turn-errors.js";
import { rejection, settled } from "../../support/collect.js";
import { later, linkedThread, ResponseError } from "../../support/linked-server.js";
import {
  turnCompleted,
  turnMessages,
  turnRecord,
  turnStarted,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const steering = {
  threadId: "thread-1",
  expectedTurnId: "turn-1",
  input: [{ type: "text", text: "Shorter", text_elements: [] }],
};

test("steer() adds input to this very turn", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  server.send(turnStarted(ids));
  expect(await turn.steer("Shorter")).toBe("turn-1");
  expect(server.paramsOf("turn/steer")).toEqual([steering]);
  server.send(...turnMessages({ ...ids, text: "Short" }).slice(1));
  expect((await turn.run()).finalResponse).toBe("Short");
});

test("steer() waits for the answer to turn/start, then for turn/started", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.handle("turn/start", () => later);
  const turn = thread.turn("Hi");
  const steered = turn.steer("Shorter");
  const request = await server.nextRequest("turn/start");
  server.respond(request, { turn: turnRecord("turn-1") });
  await turn.started;
  await settled();
  expect(server.paramsOf("turn/steer")).toHaveLength(0);
  server.send(turnStarted(ids));
  await steered;
  expect(server.paramsOf("turn/steer")).toEqual([steering]);
});

test("steer() after the end throws what the server answers", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.handle("turn/steer", () => {
    throw new ResponseError(-32_600, "no active turn to steer");
  });
  const turn = thread.turn("Hi");
  await turn.started;
  server.turn({ ...ids, text: "Hello" });
  await turn.run();
  expect(await rejection(turn.steer("Shorter"))).toBeInstanceOf(TurnNotActiveError);
  expect(server.paramsOf("turn/steer")).toEqual([steering]);
});

test("steer() of a turn that ends without turn/started does not wait for ever", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.handle("turn/steer", () => {
    throw new ResponseError(-32_600, "expected active turn id `turn-1` but found `turn-2`");
  });
  const turn = thread.turn("Hi");
  const steered = rejection(turn.steer("Shorter"));
  await turn.started;
  server.send(turnCompleted(ids));
  expect(await steered).toBeInstanceOf(TurnNotActiveError);
});

test("steer() of a turn that was never sent says so", async () => {
  await using pair = await linkedThread();
  const turn = pair.thread.turn("Hi");
  const steered = rejection(turn.steer("Shorter"));
  await turn.interrupt();
  expect(await steered).toBeInstanceOf(TurnNotStartedError);
  expect(pair.server.paramsOf("turn/steer")).toHaveLength(0);
});

test("steer() checks its input before it sends anything", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  server.send(turnStarted(ids));
  expect(await rejection(turn.steer([]))).toBeInstanceOf(InvalidArgumentError);
  const missing = turn.steer({ type: "localImage", path: "/does/not/exist.png" });
  expect(await rejection(missing)).toBeInstanceOf(InvalidArgumentError);
  expect(server.paramsOf("turn/steer")).toHaveLength(0);
});

test("steer() during a review tells that the thread is busy with it", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.handle("turn/steer", () => {
    const info = { activeTurnNotSteerable: { turnKind: "review" } };
    throw new ResponseError(-32_600, "cannot steer a review turn", { codexErrorInfo: info });
  });
  const turn = thread.turn("Hi");
  await turn.started;
  server.send(turnStarted(ids));
  expect(await rejection(turn.steer("Shorter"))).toBeInstanceOf(ThreadBusyError);
});
