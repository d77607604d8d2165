import { describe, expect, test } from "@jest/globals";
import { defineTool } from "../../../lib/index.js";
import { recordingLogger } from "../../contract/recording-logger.js";
import { LinkedAnew, type LinkedAnewOptions } from "../../support/linked-anew.js";
import { Asking } from "./asking.js";

const approval = "item/commandExecution/requestApproval";

function about(threadId: string, fields: object = {}) {
  return { threadId, turnId: "turn-1", itemId: "item-1", ...fields };
}

/** A client of a server that others use, too, with a thread of its own: `thread-1`. */
async function sharing(options: LinkedAnewOptions = {}) {
  const logger = recordingLogger();
  const link = await LinkedAnew.start({ ...options, logger, shared: true });
  const thread = await link.client.startThread();
  const asking = new Asking(link.server);
  /** The ids of what was answered, each time after a question that is answered anyway. */
  const answered = async () => {
    await asking.answerTo(asking.ask("currentTime/read", { threadId: "thread-1" }, "probe"));
    const ids = asking.answers.map(({ id }) => id);
    return ids.filter((id) => id !== "probe").sort();
  };
  return {
    ...{ link, client: link.client, server: link.server, thread, asking, answered, logger },
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  };
}

describe("on a shared server", () => {
  test("what is asked about threads of others is left to them, with or without handlers", async () => {
    let called = 0;
    await using pair = await sharing({ onApproval: () => ((called += 1), "accept") });
    pair.asking.ask(approval, about("thread-9"), 0);
    pair.asking.ask("item/tool/call", about("thread-9", { tool: "build" }), 1);
    pair.asking.ask("currentTime/read", { threadId: "thread-9" }, 2);
    pair.asking.ask("brand/new", { threadId: "thread-9" }, 3);
    for (let asked = 0; asked < 4; asked += 1) await pair.server.nextRequest("thread/read");
    expect(pair.client.pendingRequests()).toEqual([]);
    expect(await pair.answered()).toEqual([]);
    expect(called).toBe(0);
    expect(pair.client.pendingRequests()).toEqual([]);
    expect(pair.server.paramsOf("thread/read")).toContainEqual({ threadId: "thread-9" });
  });

  test("what is asked about our own threads is answered, or refused, as ever", async () => {
    await using pair = await sharing();
    await pair.client.resumeThread("thread-2");
    pair.asking.ask(approval, about("thread-1"), 0);
    pair.asking.ask(approval, about("thread-2"), 1);
    for (const id of [0, 1]) {
      expect(await pair.asking.answerTo(id)).toMatchObject({ result: { decision: "decline" } });
    }
  });

  test("a thread with handlers is ours, whoever started it", async () => {
    await using pair = await sharing();
    pair.client.thread("thread-9", { onApproval: () => "accept" }).turn("Hi");
    await pair.server.nextRequest("turn/start");
    pair.client.session.unload("thread-9");
    pair.asking.ask(approval, about("thread-9"), 0);
    expect(await pair.asking.answerTo(0)).toMatchObject({ result: { decision: "accept" } });
  });

  test("sub-agents of our threads are ours, also when only the server knows whose they are", async () => {
    await using pair = await sharing({ onApproval: () => "accept" });
    const parents: Record<string, string | null> = { child: "middle", middle: "thread-1" };
    pair.server.handle("thread/read", ({ threadId }) => ({
      thread: { id: threadId, parentThreadId: parents[threadId as string] ?? null },
    }));
    pair.asking.ask(approval, about("child"), 0);
    expect(await pair.asking.answerTo(0)).toMatchObject({ result: { decision: "accept" } });
    pair.asking.ask(approval, about("orphan"), 1);
    expect(await pair.answered()).toEqual([0]);
  });

  test("what was left to others is answered when the thread has become ours", async () => {
    await using pair = await sharing({ onApproval: () => "accept" });
    pair.asking.ask(approval, about("thread-9"), 0);
    expect(await pair.answered()).toEqual([]);
    await pair.client.resumeThread("thread-9");
    pair.asking.ask(approval, about("thread-9"), 0);
    expect(await pair.asking.answerTo(0)).toMatchObject({ result: { decision: "accept" } });
  });

  test("what is about no thread is answered by whoever has a handler for it", async () => {
    await using pair = await sharing();
    pair.asking.ask("account/chatgptAuthTokens/refresh", { reason: "unauthorized" }, 0);
    pair.asking.ask("brand/new", {}, 1);
    expect(await pair.answered()).toEqual([]);
    expect(pair.client.pendingRequests()).toMatchObject([{ requestId: 0 }, { requestId: 1 }]);
    pair.client.handle("brand/new", () => ({ done: true }));
    pair.asking.ask("brand/new", {}, 2);
    expect(await pair.asking.answerTo(2)).toMatchObject({ result: { done: true } });
  });

  test("calls of tools that are not ours are left alone on threads that others have made", async () => {
    const tool = defineTool({
      name: "ours",
      description: "Ours.",
      input: { type: "object", properties: {}, additionalProperties: false },
      execute: () => "done",
    });
    await using pair = await sharing();
    await pair.client.resumeThread("thread-2", { tools: [tool] });
    const call = (tool: string, threadId: string) => ({
      ...{ threadId, turnId: "turn-1", callId: "call-1", namespace: null, tool, arguments: {} },
    });
    pair.asking.ask("item/tool/call", call("ours", "thread-2"), 0);
    pair.asking.ask("item/tool/call", call("theirs", "thread-2"), 1);
    // Nobody else can have made a tool of this thread.
    pair.asking.ask("item/tool/call", call("theirs", "thread-1"), 2);
    expect(await pair.asking.answerTo(0)).toMatchObject({ result: { success: true } });
    expect(await pair.asking.answerTo(2)).toMatchObject({ result: { success: false } });
    expect(await pair.answered()).toEqual([0, 2]);
    const [open] = pair.client.pendingRequests();
    expect(open).toMatchObject({ requestId: 1, method: "item/tool/call" });
    const answer = { contentItems: [], success: true };
    pair.client.respond(open?.key ?? "", answer);
    expect(await pair.asking.answerTo(1)).toMatchObject({ result: answer });
  });
});
