import { expect, jest, test } from "@jest/globals";
import { ThreadNotFoundError } from "../../../lib/errors/rpc-errors.js";
import { rejection, settled } from "../../support/collect.js";
import {
  later,
  linked,
  linkedThread,
  methodsSent,
  ResponseError,
  type LinkedServer,
} from "../../support/linked-server.js";
import { opened } from "../../support/turn-messages.js";

function lastMethods(server: LinkedServer, count: number): string[] {
  return methodsSent(server).slice(-count);
}

const notFound = () => {
  throw new ResponseError(-32_600, "thread not found: thread-8");
};

test("the first turn on a thread that is not loaded resumes it, the next ones do not", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  for (const turnId of ["turn-1", "turn-2"]) {
    const turn = client.thread("thread-8").turn("Hi");
    await turn.started;
    server.turn({ threadId: "thread-8", turnId, text: "Hello" });
    await turn.run();
  }
  expect(lastMethods(server, 4)).toEqual([
    ...["thread/resume", "thread/read"],
    ...["turn/start", "turn/start"],
  ]);
  expect(server.paramsOf("thread/resume")).toEqual([{ threadId: "thread-8", excludeTurns: true }]);
});

test("turns that come together share one resume", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  server.handle("thread/resume", () => later);
  const turns = ["A", "B"].map((text) =>
    client.thread("thread-8").turn(text, { whenBusy: "steer" }),
  );
  const request = await server.nextRequest("thread/resume");
  await settled();
  server.respond(request, opened("thread-8"));
  await Promise.all(turns.map(({ started }) => started));
  expect(server.paramsOf("thread/resume")).toHaveLength(1);
});

test("a resume that fails is tried again by the next turn", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  const thread = client.thread("thread-8");
  server.handle("thread/resume", () => {
    throw new ResponseError(-32_603, "the disk is full");
  });
  expect(await rejection(thread.turn("Hi").run())).toMatchObject({ code: "INTERNAL_ERROR" });
  server.handle("thread/resume", () => opened("thread-8"));
  await thread.turn("Hi").started;
  expect(server.paramsOf("turn/start")).toHaveLength(1);
});

test.each([
  ["a thread that this client started", "thread/start"],
  ["a thread that this client resumed", "thread/resume"],
  ["a thread that this client forked", "thread/fork"],
] as const)("%s is loaded already", async (_name, method) => {
  await using pair = await linked();
  const { client, server } = pair;
  server.handle(method, () => opened("thread-8"));
  if (method === "thread/start") await client.startThread();
  if (method === "thread/resume") await client.resumeThread("thread-8");
  if (method === "thread/fork") await client.forkThread("thread-7");
  const resumes = server.paramsOf("thread/resume").length;
  await client.thread("thread-8").turn("Hi").started;
  expect(server.paramsOf("thread/resume")).toHaveLength(resumes);
});

test("so is one that was opened with a plain request", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  const { thread } = await client.request("thread/start", {});
  await client.thread(thread.id).turn("Hi").started;
  expect(server.paramsOf("thread/resume")).toHaveLength(0);
});

test.each(["thread/closed", "thread/archived", "thread/deleted"])(
  "after %s the next turn resumes the thread again",
  async (method) => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.notify(method, { threadId: "thread-1" });
    await settled();
    await thread.turn("Hi").started;
    expect(server.paramsOf("thread/resume")).toEqual([
      { threadId: "thread-1", excludeTurns: true },
    ]);
  },
);

test("after archive and unarchive the next turn resumes the thread", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  await thread.archive();
  await thread.unarchive();
  await thread.turn("Hi").started;
  expect(lastMethods(server, 4)).toEqual([
    "thread/archive",
    "thread/unarchive",
    "thread/resume",
    "turn/start",
  ]);
});

test("after an unsubscribe the next turn subscribes again", async () => {
  await using pair = await linkedThread();
  const { client, server, thread } = pair;
  await client.request("thread/unsubscribe", { threadId: "thread-1" });
  await thread.turn("Hi").started;
  expect(server.paramsOf("thread/resume")).toHaveLength(1);
});

test("a thread that was unloaded unnoticed is resumed, and the turn sent once more", async () => {
  await using pair = await linkedThread();
  const { server, thread } = pair;
  let attempts = 0;
  server.handle("turn/start", () => {
    attempts += 1;
    return attempts === 1 ? notFound() : { turn: { id: "turn-1" } };
  });
  const turn = thread.turn("Hi");
  await turn.started;
  expect(lastMethods(server, 3)).toEqual(["turn/start", "thread/resume", "turn/start"]);
  server.turn({ threadId: "thread-1", turnId: "turn-1", text: "Hello" });
  expect((await turn.run()).finalResponse).toBe("Hello");
});

test("but only once more: then the refusal is the turn's error", async () => {
  await using pair = await linkedThread();
  const { client, server, thread } = pair;
  server.handle("turn/start", notFound);
  expect(await rejection(thread.turn("Hi").run())).toBeInstanceOf(ThreadNotFoundError);
  expect(server.paramsOf("turn/start")).toHaveLength(2);
  expect(server.paramsOf("thread/resume")).toHaveLength(1);
  expect(client.session.turns.size).toBe(0);
  expect(client.session.thread("thread-1").slots.isBusy).toBe(false);
});

test("a thread without history cannot be loaded, which the error says in plain words", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  server.handle("thread/resume", () => {
    throw new ResponseError(-32_600, "no rollout found for thread id thread-8");
  });
  const error = await rejection(client.thread("thread-8").turn("Hi").run());
  expect(error).toBeInstanceOf(ThreadNotFoundError);
  expect((error as Error).message).toContain(
    "A thread has no stored history before its first turn",
  );
  expect(server.paramsOf("turn/start")).toHaveLength(0);
});

test("a turn that is interrupted while its thread is being loaded is never sent", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  server.handle("thread/resume", () => later);
  const turn = client.thread("thread-8").turn("Hi");
  const request = await server.nextRequest("thread/resume");
  await turn.interrupt();
  expect((await turn.run()).status).toBe("interrupted");
  server.respond(request, opened("thread-8"));
  await settled();
  expect(server.paramsOf("turn/start")).toHaveLength(0);
});

test("a server that does not answer what it is asked before a resume holds the turn up for some seconds only", async () => {
  jest.useFakeTimers({ doNotFake: ["setImmediate", "nextTick", "queueMicrotask"] });
  try {
    await using pair = await linked();
    const { client, server } = pair;
    for (const method of ["thread/queue/list", "thread/goal/get"])
      server.handle(method, () => later);
    const { started } = client.thread("thread-8").turn("Hi");
    await server.nextRequest("thread/resume");
    await settled();
    await jest.advanceTimersByTimeAsync(5_000);
    expect(server.paramsOf("turn/start")).toHaveLength(0);
    await jest.advanceTimersByTimeAsync(250);
    await started;
  } finally {
    jest.useRealTimers();
  }
});
