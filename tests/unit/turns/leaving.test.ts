import { expect, test } from "@jest/globals";
import type { Turn } from "../../../lib/turn.js";
import { collect, rejection, settled } from "../../support/collect.js";
import { linkedThread, type LinkedServer } from "../../support/linked-server.js";
import {
  textMessages,
  turnCompleted,
  turnMessages,
  turnStarted,
} from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };
const interrupted = turnCompleted(ids, { status: "interrupted" });

const leave: Record<string, (turn: Turn) => Promise<unknown>> = {
  break: async (turn) => {
    for await (const event of turn) if (event.method === "turn/started") break;
  },
  return: async (turn) => {
    for await (const event of turn) if (event.method === "turn/started") return;
  },
  throw: async (turn) => {
    const reason = new Error("no more");
    const loop = async () => {
      for await (const event of turn) if (event.method === "turn/started") throw reason;
    };
    expect(await rejection(loop())).toBe(reason);
  },
  "iterator.return()": async (turn) => {
    const events = turn.stream();
    await events.next();
    expect(await events.return?.()).toEqual({ value: undefined, done: true });
    expect(await events.next()).toEqual({ value: undefined, done: true });
  },
};

test.each(Object.keys(leave))("%s interrupts once, and waits for the end", async (way) => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  server.send(turnStarted(ids));
  let left = false;
  const leaving = leave[way]?.(turn).finally(() => {
    left = true;
  });
  expect((await server.nextRequest("turn/interrupt")).params).toEqual(ids);
  await settled();
  expect(left).toBe(false);
  server.send(interrupted);
  await leaving;
  expect((await turn.run()).status).toBe("interrupted");
  expect(server.paramsOf("turn/interrupt")).toHaveLength(1);
});

test("leaving the text stream interrupts too", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  endWhenInterrupted(server);
  const turn = thread.turn("Hi");
  await turn.started;
  server.send(turnStarted(ids), ...textMessages({ ...ids, text: "Hello there" }));
  for await (const text of turn.textStream()) {
    expect(text).toBe("Hello ");
    break;
  }
  expect((await turn.run()).status).toBe("interrupted");
  expect(server.paramsOf("turn/interrupt")).toHaveLength(1);
});

test('onBreak: "detach" leaves it running, and run() still gives its result', async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi", { onBreak: "detach" });
  await turn.started;
  const [first, ...rest] = turnMessages({ ...ids, text: "Hello" });
  server.send(first ?? {});
  await leave["break"]?.(turn);
  await settled();
  expect(server.paramsOf("turn/interrupt")).toHaveLength(0);
  server.send(...rest);
  expect(await turn.run()).toMatchObject({ status: "completed", finalResponse: "Hello" });
});

test("a loop that came to the natural end sends nothing", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  server.turn({ ...ids, text: "Hello" });
  const events = turn.stream();
  await collect(events);
  await events.return?.();
  await settled();
  expect(server.paramsOf("turn/interrupt")).toHaveLength(0);
});

test("a break after the turn has ended sends nothing, although events were left", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  server.turn({ ...ids, text: "Hello" });
  await turn.started;
  await settled();
  await leave["break"]?.(turn);
  await settled();
  expect(server.paramsOf("turn/interrupt")).toHaveLength(0);
  expect((await turn.run()).status).toBe("completed");
});

test("await using interrupts a turn that still runs, and waits for its end", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  endWhenInterrupted(server);
  const seen: string[] = [];
  {
    await using turn = thread.turn("Hi");
    await turn.started;
    server.send(turnStarted(ids));
    void turn.run().then(({ status }) => seen.push(status));
  }
  expect(seen).toEqual(["interrupted"]);
  expect(server.paramsOf("turn/interrupt")).toHaveLength(1);
});

test("disposing of a turn that has ended, or was never sent, sends nothing", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  {
    await using turn = thread.turn("Hi");
    await turn.started;
    server.turn({ ...ids, text: "Hello" });
    await turn.run();
  }
  {
    await using turn = thread.turn("Never mind");
    expect(turn.id).toBeUndefined();
  }
  await settled();
  expect(server.paramsOf("turn/interrupt")).toHaveLength(0);
  expect(server.paramsOf("turn/start")).toHaveLength(1);
});

test("leaving a turn whose connection is lost does not wait", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  const turn = thread.turn("Hi");
  await turn.started;
  server.send(turnStarted(ids));
  const leaving = leave["break"]?.(turn);
  await server.nextRequest("turn/interrupt");
  server.crash({ exitCode: 1 });
  await leaving;
  expect(await rejection(turn.run())).toMatchObject({ code: "TRANSPORT_CLOSED" });
});

function endWhenInterrupted(server: LinkedServer): void {
  server.handle("turn/interrupt", () => {
    server.send(interrupted);
    return {};
  });
}
