import { describe, expect, test } from "@jest/globals";
import { defer, type RequestHandlers, type Turn, type TurnEvent } from "../../../lib/index.js";
import { linkedThread } from "../../support/linked-server.js";
import { textMessages, turnCompleted, turnStarted } from "../../support/turn-messages.js";
import { Asking, methods, requests } from "./asking.js";

const turn = { threadId: "thread-1", turnId: "turn-1" };

function resolved(requestId: string | number) {
  return { method: "serverRequest/resolved", params: { threadId: "thread-1", requestId } };
}

function fileChange(
  method: string,
  changes: unknown = [{ path: "a", diff: "+a" }],
  ids: object = {},
) {
  const item = { type: "fileChange", id: "item-1", changes, status: "inProgress" };
  return { method, params: { ...turn, item, ...ids } };
}

/** The methods of a turn's stream, and what its requests were, while `messages` come in one chunk. */
async function streamOf(
  messages: readonly object[],
  handlers: RequestHandlers = {},
  toStream = (running: Turn) => running.stream(),
) {
  await using pair = await linkedThread();
  const running = pair.thread.turn("Hi", handlers);
  await running.started;
  pair.server.sendTogether([turnStarted(turn), ...messages, turnCompleted(turn)] as never);
  const events: TurnEvent[] = [];
  for await (const event of toStream(running)) events.push(event);
  return events;
}

describe("a turn's stream shows the requests of the turn", () => {
  test("where they stood on the wire, and their resolution", async () => {
    const [delta] = textMessages({ ...turn, text: "Hello" }).filter(({ method }) =>
      String(method).endsWith("delta"),
    );
    const events = await streamOf([
      delta ?? {},
      { id: 0, method: methods.command, params: requests.command },
      delta ?? {},
      { id: "0", method: methods.toolCall, params: requests.toolCall },
      { id: 1, method: methods.form, params: requests.form },
      resolved(0),
      resolved(1),
      delta ?? {},
    ]);
    expect(events.map(({ method }) => method)).toEqual([
      "turn/started",
      "item/agentMessage/delta",
      methods.command,
      "item/agentMessage/delta",
      methods.toolCall,
      methods.form,
      "serverRequest/resolved",
      "serverRequest/resolved",
      "item/agentMessage/delta",
      "turn/completed",
    ]);
    const asked = events.filter((event) => "requestId" in event);
    const key = expect.any(String) as unknown;
    expect(asked).toEqual([
      { method: methods.command, requestId: 0, key, params: requests.command },
      { method: methods.toolCall, requestId: "0", key, params: requests.toolCall },
      { method: methods.form, requestId: 1, key, params: requests.form },
    ]);
  });

  test("with the key that answers them", async () => {
    await using pair = await linkedThread();
    const asking = new Asking(pair.server);
    const running = pair.thread.turn("Hi", { onApproval: () => defer() });
    await running.started;
    pair.server.send(turnStarted(turn));
    const id = asking.ask(methods.command, requests.command);
    for await (const event of running) {
      if (event.method === methods.command) pair.client.respond(event.key, "accept");
      if (event.method === methods.command) pair.server.send(resolved(id), turnCompleted(turn));
    }
    expect(await asking.answerTo(id)).toEqual({ result: { decision: "accept" } });
  });

  test("once, however often they are sent", async () => {
    const again = { id: 0, method: methods.command, params: requests.command };
    const events = await streamOf([again, again, resolved(0), again], {
      onApproval: () => defer(),
    });
    expect(events.map(({ method }) => method)).toEqual([
      "turn/started",
      methods.command,
      "serverRequest/resolved",
      "turn/completed",
    ]);
  });

  test("also those that may name a turn and name none, since one turn runs at a time", async () => {
    const events = await streamOf([
      { id: 0, method: methods.url, params: requests.url },
      { id: 1, method: methods.time, params: requests.time },
      { id: 2, method: methods.exec, params: requests.exec },
      ...[0, 1, 2].map(resolved),
    ]);
    expect(events.map(({ method }) => method)).toEqual([
      "turn/started",
      methods.url,
      "serverRequest/resolved",
      "turn/completed",
    ]);
  });

  test("and those of its sub-agents when these are asked for, and only then", async () => {
    const child = { threadId: "child", turnId: "turn-c" };
    const item = { type: "collabAgentToolCall", id: "call", receiverThreadIds: ["child"] };
    const messages = [
      { method: "item/completed", params: { ...turn, item } },
      turnStarted(child),
      { id: 0, method: methods.command, params: { ...requests.command, ...child } },
      { id: 1, method: methods.url, params: { ...requests.url, threadId: "child" } },
      { method: "serverRequest/resolved", params: { threadId: "child", requestId: 0 } },
    ];
    const own = await streamOf(messages);
    expect(own.map(({ method }) => method)).toEqual([
      "turn/started",
      "item/completed",
      "turn/completed",
    ]);
    const all = await streamOf(messages, {}, (running) => running.stream({ subagents: true }));
    expect(all.slice(3, -1)).toMatchObject([
      { method: methods.command, requestId: 0, params: child, origin: { depth: 1 } },
      { method: methods.url, requestId: 1, params: { threadId: "child" }, origin: { depth: 1 } },
      { method: "serverRequest/resolved", params: { requestId: 0 }, origin: { depth: 1 } },
    ]);
  });

  test("but not those of other turns or threads", async () => {
    const ids = { threadId: "thread-1", turnId: "turn-2" };
    const events = await streamOf([
      { id: 0, method: methods.command, params: { ...requests.command, ...ids } },
      { id: 1, method: methods.command, params: { ...requests.command, threadId: "thread-2" } },
      { id: 2, method: methods.url, params: { ...requests.url, threadId: "thread-2" } },
      ...[0, 1, 2, 3].map(resolved),
    ]);
    expect(events.map(({ method }) => method)).toEqual(["turn/started", "turn/completed"]);
  });

  test("also when they come before the answer that names the turn", async () => {
    await using pair = await linkedThread();
    let name: (() => void) | undefined;
    pair.server.handle("turn/start", () => {
      return new Promise((answer) => {
        name = () => {
          answer({ turn: { id: "turn-1", status: "inProgress", items: [] } });
        };
      });
    });
    const running = pair.thread.turn("Hi", { onApproval: () => defer() });
    await pair.server.nextRequest("turn/start");
    pair.server.send(turnStarted(turn), {
      id: 0,
      method: methods.command,
      params: requests.command,
    });
    name?.();
    await running.started;
    pair.server.send(resolved(0), turnCompleted(turn));
    const seen: string[] = [];
    for await (const { method } of running) seen.push(method);
    expect(seen).toEqual([
      "turn/started",
      methods.command,
      "serverRequest/resolved",
      "turn/completed",
    ]);
  });
});

describe("the request to change files has the changes that its item announced", () => {
  const approval = { id: 0, method: methods.fileChange, params: requests.fileChange };

  async function changesAfter(...messages: object[]): Promise<unknown> {
    let changes: unknown = "never asked";
    await using pair = await linkedThread({
      onApproval: {
        fileChange: (request) => {
          ({ changes } = request);
          return "accept";
        },
      },
    });
    const asking = new Asking(pair.server);
    pair.server.sendTogether([...messages, approval] as never);
    await asking.answerTo(0);
    return changes;
  }

  test("when it began", async () => {
    expect(await changesAfter(fileChange("item/started"))).toEqual([{ path: "a", diff: "+a" }]);
  });

  test("and as they have become since", async () => {
    const update = {
      method: "item/fileChange/patchUpdated",
      params: { ...turn, itemId: "item-1", changes: [{ path: "b", diff: "+b" }] },
    };
    expect(await changesAfter(fileChange("item/started"), update)).toEqual([
      { path: "b", diff: "+b" },
    ]);
  });

  test.each([
    ["the item was not seen", []],
    [
      "it was another item",
      [fileChange("item/started", [], { item: { type: "fileChange", id: "2", changes: [] } })],
    ],
    ["it was another turn's", [fileChange("item/started", [], { turnId: "turn-2" })]],
    ["it was another thread's", [fileChange("item/started", [], { threadId: "thread-2" })]],
    ["it has completed", [fileChange("item/started"), fileChange("item/completed")]],
    ["its turn has ended", [fileChange("item/started"), turnCompleted(turn)]],
    [
      "its thread is closed",
      [fileChange("item/started"), { method: "thread/closed", params: turn }],
    ],
    ["the item has none", [fileChange("item/started", "odd")]],
    [
      "the message is odd",
      [
        { method: "item/started", params: null },
        { method: "item/started", params: turn },
      ],
    ],
    [
      "it is no file change",
      [
        {
          method: "item/started",
          params: { ...turn, item: { type: "other", id: "item-1", changes: [] } },
        },
      ],
    ],
  ])("undefined when %s", async (_, messages) => {
    expect(await changesAfter(...messages)).toBeUndefined();
  });

  test("also in pendingRequests()", async () => {
    await using pair = await linkedThread({ onApproval: () => defer() });
    const asking = new Asking(pair.server);
    pair.server.sendTogether([fileChange("item/started"), approval] as never);
    await asking.answered();
    expect(pair.client.pendingRequests()).toMatchObject([
      { request: { type: "fileChange", changes: [{ path: "a" }] } },
    ]);
  });
});
