import { describe, expect, test } from "@jest/globals";
import path from "node:path";
import { maxInputCharacters, ThreadBusyError, type TurnInput } from "../../../../lib/index.js";
import { rejection, settled } from "../../../support/collect.js";
import { dataUrl, png } from "../../../support/images.js";
import { later, linked, linkedThread, ResponseError } from "../../../support/linked-server.js";
import { turnCompleted, turnRecord, turnStarted } from "../../../support/turn-messages.js";

const threadId = "thread-1";
const text = (value: string) => ({ type: "text", text: value, text_elements: [] });

describe("queue.add()", () => {
  test("normalises the input like a turn's, and makes a message id unless one is given", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const queuedSubmission = { id: "queued-1" };
    server.handle("thread/queue/add", () => ({ queuedSubmission }));
    server.handle("thread/queue/list", () => ({ data: [queuedSubmission], nextCursor: null }));
    const bytes = { type: "image", data: png, mediaType: "image/png" } as const;
    expect(await thread.queue.add(["Look", bytes])).toEqual(queuedSubmission);
    const options = { clientUserMessageId: "mine", responsesapiClientMetadata: { a: "b" } };
    await thread.queue.add("Hi", { ...options, threadId: "other" } as typeof options);
    const [first, second] = server.paramsOf("thread/queue/add");
    expect(first).toEqual({
      threadId,
      input: [text("Look"), { type: "image", url: dataUrl("image/png", png) }],
      clientUserMessageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    });
    expect(second).toEqual({ threadId, input: [text("Hi")], ...options });
  });

  test.each<[string, unknown]>([
    ["nothing", []],
    ["too much text", "x".repeat(maxInputCharacters + 1)],
    ["a remote image", { type: "image", url: "https://example.com/x.png" }],
    ["an item of no type", {}],
  ])("refuses %s, and sends nothing", async (_name, input) => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const before = server.requests.length;
    const calls = [
      thread.queue.add(input as TurnInput),
      thread.queue.update("queued-1", input as TurnInput),
    ];
    for (const error of await Promise.all(calls.map(rejection))) {
      expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    }
    expect(server.requests).toHaveLength(before);
  });

  test("refuses a local file that is not there, and sends nothing", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const before = server.requests.length;
    const input = { type: "localImage", path: path.resolve("no-such-file.png") } as const;
    const calls = [thread.queue.add(input), thread.queue.update("queued-1", input)];
    for (const error of await Promise.all(calls.map(rejection))) {
      expect(error).toMatchObject({ argument: "input[0].path" });
    }
    expect(server.requests).toHaveLength(before);
  });

  test("loads the thread, and rejects when it cannot, keeping nobody out", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const resume = () => {
      throw new ResponseError(-32_603, "the disk is full");
    };
    server.handle("thread/resume", resume);
    const { queue } = client.thread("thread-8");
    expect(await rejection(queue.add("Hi"))).toMatchObject({ code: "INTERNAL_ERROR" });
    expect(server.paramsOf("thread/queue/add")).toEqual([]);
    expect(client.session.thread("thread-8").slots.isBusy).toBe(false);
  });

  test("lets a turn start first that was begun before, and goes at once while one runs", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("turn/start", () => later);
    server.handle("thread/queue/add", () => ({ queuedSubmission: { id: "queued-1" } }));
    const turn = thread.turn("Hi");
    const adding = thread.queue.add("Later");
    const request = await server.nextRequest("turn/start");
    await settled();
    expect(server.paramsOf("thread/queue/add")).toEqual([]);
    server.respond(request, { turn: turnRecord("turn-1") });
    server.send(turnStarted({ threadId, turnId: "turn-1" }));
    await adding;
    await thread.queue.add("Later still");
    expect(turn.state.status).toBe("inProgress");
    expect(server.paramsOf("thread/queue/add")).toHaveLength(2);
  });

  test("goes on when the turn before it is refused", async () => {
    await using pair = await linkedThread();
    const { client, server, thread } = pair;
    server.handle("turn/start", () => {
      throw new ResponseError(-32_600, "no such model");
    });
    const queuedSubmission = { id: "queued-1" };
    server.handle("thread/queue/add", () => ({ queuedSubmission }));
    server.handle("thread/queue/list", () => ({ data: [queuedSubmission], nextCursor: null }));
    const failure = rejection(thread.turn("Hi").run());
    expect(await thread.queue.add("Later")).toEqual(queuedSubmission);
    expect(await failure).toMatchObject({ serverMessage: "no such model" });
    await settled();
    expect(client.session.thread(threadId).slots.isBusy).toBe(false);
  });

  test("ends with the connection, whatever it waits for", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("turn/start", () => later);
    const failures = [rejection(thread.turn("Hi").run()), rejection(thread.queue.add("Later"))];
    await server.nextRequest("turn/start");
    await settled();
    server.crash({ exitCode: 1 });
    for (const failure of failures) {
      expect(await failure).toMatchObject({ code: "TRANSPORT_CLOSED" });
    }
  });

  test("resolves when its turn has started, which handles then wait for", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("thread/queue/add", () => ({ queuedSubmission: { id: "queued-1" } }));
    server.handle("thread/queue/list", () => ({ data: [], nextCursor: null }));
    let isAdded = false;
    const adding = thread.queue.add("Now").then(() => {
      isAdded = true;
    });
    await server.nextRequest("thread/queue/list");
    await settled();
    expect(isAdded).toBe(false);
    server.send(turnStarted({ threadId, turnId: "queued-turn" }));
    await adding;
    const turn = thread.turn("After");
    await settled();
    expect(server.paramsOf("turn/start")).toEqual([]);
    server.send(turnCompleted({ threadId, turnId: "queued-turn" }));
    await turn.started;
  });
});

describe("without the experimental API", () => {
  test("the library itself never asks for the queue", async () => {
    await using pair = await linked({ experimentalApi: false });
    const { client, server } = pair;
    await client.resumeThread("thread-8");
    server.notify("thread/queue/changed", { threadId: "thread-8" });
    await client.thread("thread-8").turn("Hi").started;
    expect(server.paramsOf("thread/queue/list")).toEqual([]);
  });
});

describe("what is queued", () => {
  test("is changed, deleted and reordered by its id", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("thread/queue/update", () => ({ queuedSubmission: { id: "b" } }));
    server.handle("thread/queue/delete", () => ({ deleted: true }));
    expect(await thread.queue.update("b", "Changed")).toEqual({ id: "b" });
    expect(await thread.queue.delete("a")).toBe(true);
    const order = ["c", "b"];
    await thread.queue.reorder(order);
    expect(server.requests.slice(-3).map(({ params }) => params)).toEqual([
      { threadId, queuedSubmissionId: "b", input: [text("Changed")] },
      { threadId, queuedSubmissionId: "a" },
      { threadId, queuedSubmissionIds: order },
    ]);
  });

  test("needs ids", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    const before = server.requests.length;
    const calls = [thread.queue.update("", "Hi"), thread.queue.delete(7 as never)];
    for (const error of await Promise.all(calls.map(rejection))) {
      expect(error).toMatchObject({ argument: "queuedSubmissionId" });
    }
    expect(await rejection(thread.queue.reorder("a" as never))).toMatchObject({
      argument: "queuedSubmissionIds",
    });
    expect(() => thread.queue.start({ queuedSubmissionId: "" })).toThrow("queuedSubmissionId must");
    expect(() => thread.queue.start({ timeoutMs: -1 })).toThrow("timeoutMs must");
    expect(server.requests).toHaveLength(before);
  });
});

describe("queue.start()", () => {
  test("gives a turn like any other, of what is named or of the first", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    let turns = 0;
    server.handle("thread/queue/start", () => ({ turn: turnRecord(`turn-${(turns += 1)}`) }));
    for (const options of [{}, { queuedSubmissionId: "b" }]) {
      const turn = thread.queue.start(options);
      const { id } = await turn.started;
      server.turn({ threadId, turnId: id, text: "Done." });
      expect(await turn.run()).toMatchObject({ id, status: "completed", finalResponse: "Done." });
    }
    expect(server.paramsOf("thread/queue/start")).toEqual([
      { threadId },
      { threadId, queuedSubmissionId: "b" },
    ]);
  });

  test("is not sent while a turn runs", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    await thread.turn("Hi").started;
    const error = await rejection(thread.queue.start().run());
    expect(error).toBeInstanceOf(ThreadBusyError);
    expect(server.paramsOf("thread/queue/start")).toEqual([]);
  });

  test("is a ThreadBusyError, too, when only the server knows of a turn", async () => {
    await using pair = await linkedThread();
    const { server, thread } = pair;
    server.handle("thread/queue/start", () => {
      throw new ResponseError(-32_600, "thread already has an active or pending turn");
    });
    expect(await rejection(thread.queue.start().run())).toBeInstanceOf(ThreadBusyError);
  });

  test("by hand makes the turns of handles wait for its end", async () => {
    await using pair = await linkedThread();
    const { client, server, thread } = pair;
    server.handle("thread/queue/start", () => ({ turn: turnRecord("queued-turn") }));
    await client.request("thread/queue/start", { threadId });
    const turn = thread.turn("After");
    await settled();
    expect(server.paramsOf("turn/start")).toEqual([]);
    server.turn({ threadId, turnId: "queued-turn", text: "Done." });
    await turn.started;
  });
});
