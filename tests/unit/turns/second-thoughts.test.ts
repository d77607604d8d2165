import { describe, expect, test } from "@jest/globals";
import { ThreadBusyError } from "../../../lib/errors/rpc-errors.js";
import { collect, rejection, settled } from "../../support/collect.js";
import { later, linked, linkedThread } from "../../support/linked-server.js";
import { agentMessage, opened, textMessages, turnCompleted } from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };

describe.each([
  ["to load the thread again", -32_600, "thread not found: thread-1"],
  [
    "to wait for the end of a review",
    -32_603,
    "failed to submit turn input: ActiveTurnNotSteerable { turn_kind: Review }",
  ],
])("a turn/start whose refusal is a reason %s", (_name, code, message) => {
  test("is not sent again when the turn was interrupted meanwhile", async () => {
    await using pair = await linkedThread();
    const { client, server, thread } = pair;
    server.handle("turn/start", () => later);
    const turn = thread.turn("Hi");
    const request = await server.nextRequest("turn/start");
    const interrupting = turn.interrupt();
    server.refuse(request, code, message);
    await interrupting;
    expect((await turn.run()).status).toBe("interrupted");
    await settled();
    expect(server.paramsOf("turn/start")).toHaveLength(1);
    expect(client.session.thread("thread-1").slots.isBusy).toBe(false);
  });

  test("is not sent again when the turn was aborted meanwhile", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("turn/start", () => later);
    const abort = new AbortController();
    const turn = thread.turn("Hi", { signal: abort.signal });
    const request = await server.nextRequest("turn/start");
    abort.abort("stop");
    server.refuse(request, code, message);
    expect(await rejection(turn.run())).toBe("stop");
    await settled();
    expect(server.paramsOf("turn/start")).toHaveLength(1);
  });
});

test('whenBusy: "reject" holds for a thread that turns out to be active while it is loaded', async () => {
  await using pair = await linked();
  const { client, server } = pair;
  server.handle("thread/resume", () => opened("busy", { type: "active", activeFlags: [] }));
  const turn = client.thread("busy").turn("A", { whenBusy: "reject" });
  expect(await rejection(turn.run())).toBeInstanceOf(ThreadBusyError);
  expect(server.paramsOf("turn/start")).toHaveLength(0);
});

test("textStream skips what is no text", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  const completed = (item: unknown) => ({ method: "item/completed", params: { ...ids, item } });
  const delta = { method: "item/agentMessage/delta", params: { ...ids, itemId: "x", delta: 7 } };
  server.send(
    ...[null, undefined, "text", { type: "agentMessage", id: "x" }].map(completed),
    delta,
    ...textMessages({ ...ids, text: "Hello" }),
    completed(agentMessage("whole", "there")),
    turnCompleted(ids),
  );
  expect(await collect(turn.textStream())).toEqual(["Hello", "\n\nthere"]);
});
