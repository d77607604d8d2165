import { expect, test } from "@jest/globals";
import { TransportClosedError } from "../../../lib/errors/connection-errors.js";
import { TurnDetachedError } from "../../../lib/errors/turn-detached-error.js";
import type { TurnEvent } from "../../../lib/protocol.js";
import { rejection, settled } from "../../support/collect.js";
import {
  later,
  linkedThread,
  ResponseError,
  type LinkedServer,
} from "../../support/linked-server.js";
import {
  textMessages,
  turnCompleted,
  turnMessages,
  turnStarted,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };

test("run() and iteration each get an error of their own, which tells how it ended", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  const waiting = [turn.run(), turn.run(), turn.stream().next()];
  server.crash({ exitCode: 3, stderr: "panicked at src/main.rs" });
  const errors = await Promise.all(waiting.map(rejection));
  expect(new Set(errors).size).toBe(3);
  for (const error of errors) {
    expect(error).toBeInstanceOf(TransportClosedError);
    expect(error).toMatchObject({
      code: "TRANSPORT_CLOSED",
      exitCode: 3,
      signal: null,
      stderrTail: "panicked at src/main.rs",
    });
    expect((error as Error).message).toBe(
      "The app-server process ended with code 3 while the turn was pending. " +
        "The server may have carried it out: look before you repeat it.",
    );
  }
});

test("so does each who waits for a turn whose thread is unsubscribed from", async () => {
  await using pair = await linkedThread();
  const { client, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  const errors = Promise.all([turn.run(), turn.run(), turn.stream().next()].map(rejection));
  await client.request("thread/unsubscribe", { threadId: "thread-1" });
  for (const error of await errors) expect(error).toBeInstanceOf(TurnDetachedError);
  expect(new Set(await errors).size).toBe(3);
});

test("iteration yields every event that was sent before it throws", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  const sent = [turnStarted(ids), ...textMessages({ ...ids, text: "Hello there" })];
  server.sendTogether(sent);
  server.crash({ signal: "SIGKILL" });
  const events: TurnEvent[] = [];
  const loop = async () => {
    for await (const event of turn) events.push(event);
  };
  const error = await rejection(loop());
  expect(error).toBeInstanceOf(TransportClosedError);
  expect((error as Error).message).toContain("ended by SIGKILL while the turn was pending");
  expect(events).toEqual(sent);
});

test("a turn whose end was sent before the crash has its result", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  server.sendTogether(turnMessages({ ...ids, text: "Hello" }));
  server.crash({ exitCode: 0 });
  expect(await turn.run()).toMatchObject({ status: "completed", finalResponse: "Hello" });
});

test("turns that wait in the queue are rejected too", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turns = ["A", "B", "C"].map((text) => thread.turn(text));
  await turns[0]?.started;
  server.send(turnStarted(ids));
  await settled();
  const runs = Promise.all(turns.map((turn) => rejection(turn.run())));
  server.crash({ exitCode: 1 });
  const errors = await runs;
  for (const error of errors) expect(error).toBeInstanceOf(TransportClosedError);
  expect(new Set(errors).size).toBe(3);
});

test("so is a turn that waits for somebody else's", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.send(turnStarted({ threadId: "thread-1", turnId: "foreign" }));
  await settled();
  const turn = thread.turn("Hi");
  await settled();
  server.crash({ exitCode: 1 });
  expect(await rejection(turn.run())).toBeInstanceOf(TransportClosedError);
});

test("a turn whose turn/start is not answered yet is rejected", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  server.handle("turn/start", () => later);
  const turn = thread.turn("Hi");
  await server.nextRequest("turn/start");
  server.crash({ exitCode: 1 });
  const error = await rejection(turn.run());
  expect(error).toBeInstanceOf(TransportClosedError);
  expect(error).toMatchObject({ method: "turn/start", exitCode: 1 });
});

test("closing the client ends a running turn, and a queued one", async () => {
  await using pair = await linkedThread();
  const { client, server, thread } = pair;
  const first = thread.turn("A");
  await first.started;
  server.send(turnStarted(ids));
  await settled();
  const second = thread.turn("B");
  const runs = Promise.all([rejection(first.run()), rejection(second.run())]);
  await client.close();
  for (const error of await runs) {
    expect(error).toBeInstanceOf(TransportClosedError);
    expect((error as Error).message).toMatch(/^The connection is closed/);
  }
});

test("a turn on a closed client is rejected, and leaves nothing behind", async () => {
  await using pair = await linkedThread();
  const { client, thread } = pair;
  await client.close();
  expect(await rejection(thread.turn("Hi").run())).toBeInstanceOf(TransportClosedError);
  expect(await rejection(thread.turn("Hi", { whenBusy: "reject" }).run())).toBeInstanceOf(
    TransportClosedError,
  );
  expect(client.session.turns.size).toBe(0);
  expect(client.session.thread("thread-1").slots.isBusy).toBe(false);
});

test("interrupting and steering a turn of a lost connection do not hang", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  server.send(turnStarted(ids));
  server.crash({ exitCode: 1 });
  await rejection(turn.run());
  await turn.interrupt();
  expect(await rejection(turn.steer("More"))).toBeInstanceOf(TransportClosedError);
});

const fates: Record<string, (server: LinkedServer, abort: AbortController) => void> = {
  failed: (server) => {
    server.send(turnCompleted(ids, { status: "failed" }));
  },
  lost: (server) => {
    server.crash({ exitCode: 1 });
  },
  aborted: (server, abort) => {
    abort.abort(new Error("stop"));
    server.send(turnCompleted(ids));
  },
  refused: (server) => {
    server.handle("turn/start", () => {
      throw new ResponseError(-32_602, "no");
    });
  },
};

// jest fails a test on an unhandled rejection.
test.each(Object.keys(fates))(
  "a turn that nobody consumes is no unhandled rejection when it is %s",
  async (fate) => {
    await using pair = await linkedThread();
    const { client, server, thread } = pair;
    const abort = new AbortController();
    if (fate === "refused") fates[fate]?.(server, abort);
    const turn = thread.turn("Hi", { signal: abort.signal });
    await server.nextRequest("turn/start");
    if (fate !== "refused") {
      await turn.started;
      server.send(turnStarted(ids));
      await settled();
      expect(client.session.thread("thread-1").slots.isBusy).toBe(true);
      fates[fate]?.(server, abort);
    }
    await settled();
    expect(client.session.thread("thread-1").slots.isBusy).toBe(false);
  },
);
