import { describe, expect, test } from "@jest/globals";
import {
  defer,
  InvalidArgumentError,
  ServerRequestOverError,
  TransportClosedError,
  type ApprovalHandler,
  type RequestContext,
} from "../../../../lib/index.js";
import { LinkedAnew, type LinkedAnewOptions } from "../../../support/linked-anew.js";
import { later } from "../../../support/linked-server.js";
import { opened, turnCompleted, turnStarted } from "../../../support/turn-messages.js";
import { Asking } from "../../server-requests/asking.js";

const approval = "item/commandExecution/requestApproval";
const turn = { threadId: "thread-1", turnId: "turn-1" };
const question = { ...turn, itemId: "item-1", command: "rm -r build", startedAtMs: 1 };

interface Setup extends LinkedAnewOptions {
  readonly onApproval?: ApprovalHandler;
  /** What a later server sends behind its answer to `thread/resume`, as the real one does. */
  readonly replay?: (asking: Asking, index: number) => void;
  readonly status?: string;
}

/** A client that was asked `question` on its thread, and whose later servers may ask it again. */
async function asked({ replay, status = "active", ...options }: Setup = {}) {
  const seen: RequestContext[] = [];
  const answers: ((answer: unknown) => void)[] = [];
  const wait: ApprovalHandler = (_, context) => {
    seen.push(context);
    return new Promise((resolve) => answers.push(resolve as never));
  };
  const askings: Asking[] = [];
  const link = await LinkedAnew.start({
    onApproval: wait,
    ...options,
    prepare: (server, index) => {
      const asking = new Asking(server);
      askings.push(asking);
      server.handle("thread/resume", (_, request) => {
        server.respond(request, opened("thread-1", { type: status }));
        replay?.(asking, index);
        return later;
      });
    },
  });
  const thread = await link.client.startThread();
  link.server.send(turnStarted(turn));
  askings[0]?.ask(approval, question, 0);
  await link.client.request("config/read", {});
  // Handlers are called a moment after the request has come.
  if (!options.onApproval) while (answers.length === 0) await new Promise(setImmediate);
  return {
    ...{ link, thread, seen, answers },
    /** The questions of the server of this moment. */
    asking: () => askings.at(-1) as Asking,
    [Symbol.asyncDispose]: () => link[Symbol.asyncDispose](),
  };
}

const again = (asking: Asking) => void asking.ask(approval, question, 0);

test("what is asked over a connection that was closed while it was restored is nobody's", async () => {
  const replay = (asking: Asking): void => {
    asking.ask(approval, { ...question, itemId: "item-2" }, 1);
    void pair.link.client.close();
  };
  await using pair = await asked({ replay });
  await pair.link.drop();
  await pair.link.client.closed;
  await pair.link.client.close();
  expect(pair.seen.map(({ itemId }) => itemId)).toEqual(["item-1"]);
  expect(pair.link.client.pendingRequests()).toEqual([]);
});

describe("a request that is open when the connection drops", () => {
  test("stays open, is asked once, and is answered over the next connection", async () => {
    await using pair = await asked({ replay: again });
    const [before] = pair.link.client.pendingRequests();
    await pair.link.reconnect();
    expect(pair.link.client.pendingRequests()).toEqual([before]);
    expect(pair.seen).toHaveLength(1);
    expect(pair.seen[0]?.signal.aborted).toBe(false);
    pair.answers[0]?.("accept");
    expect(await pair.asking().answerTo(0)).toMatchObject({ result: { decision: "accept" } });
    expect(await pair.asking().answered()).toEqual([0]);
  });

  test("may be answered meanwhile: the answer is sent when it is asked again", async () => {
    await using pair = await asked({ replay: again });
    await pair.link.drop();
    pair.answers[0]?.("accept");
    await pair.link.client.session.available();
    expect(await pair.asking().answerTo(0)).toMatchObject({ result: { decision: "accept" } });
    expect(await pair.asking().answered()).toEqual([0]);
    expect(pair.seen).toHaveLength(1);
  });

  test("is answered over the connection after one that broke while threads were resumed", async () => {
    let resumed = 0;
    const replay = (asking: Asking, index: number): void => {
      again(asking);
      resumed += 1;
      if (index === 1 && resumed === 2) pair.link.server.crash();
    };
    await using pair = await asked({ replay });
    await pair.link.reconnect();
    expect(pair.link.servers).toHaveLength(3);
    pair.answers[0]?.("accept");
    expect(await pair.asking().answerTo(0)).toMatchObject({ result: { decision: "accept" } });
    expect(pair.seen).toHaveLength(1);
  });

  test("may be answered by respond() meanwhile, by its key only", async () => {
    await using pair = await asked({ onApproval: () => defer(), replay: again });
    await pair.link.drop();
    const [request] = pair.link.client.pendingRequests();
    expect(() => {
      pair.link.client.respond(0, "accept");
    }).toThrow(InvalidArgumentError);
    pair.link.client.respond(request?.key ?? "", "accept");
    await pair.link.client.session.available();
    expect(await pair.asking().answerTo(0)).toMatchObject({ result: { decision: "accept" } });
  });

  test("that was answered just before is answered again when it is asked again", async () => {
    await using pair = await asked({ replay: again });
    pair.answers[0]?.("accept");
    await pair.asking().answerTo(0);
    await pair.link.reconnect();
    expect(await pair.asking().answerTo(0)).toMatchObject({ result: { decision: "accept" } });
    expect(await pair.asking().answered()).toEqual([0]);
    expect(pair.seen).toHaveLength(1);
    // And over a third connection, too.
    await pair.link.reconnect();
    expect(await pair.asking().answerTo(0)).toMatchObject({ result: { decision: "accept" } });
  });

  test("is over when it is not asked again", async () => {
    await using pair = await asked();
    await pair.link.reconnect();
    const { signal } = pair.seen[0] as RequestContext;
    expect(signal.reason).toBeInstanceOf(ServerRequestOverError);
    expect(signal.reason).toMatchObject({ why: "resolved" });
    expect(pair.link.client.pendingRequests()).toEqual([]);
    pair.answers[0]?.("accept");
    expect(await pair.asking().answered()).toEqual([]);
    // The second question is what tells that the first was not followed by the open requests.
    expect(pair.link.server.paramsOf("thread/resume")).toHaveLength(2);
  });

  test("is over when its thread runs no turn any more, or is gone", async () => {
    await using idle = await asked({ status: "idle" });
    await idle.link.reconnect();
    expect(idle.seen[0]?.signal.reason).toMatchObject({ why: "turnEnded" });
    expect(idle.link.server.paramsOf("thread/resume")).toHaveLength(1);
    await using gone = await asked();
    gone.link.server.handle("thread/resume", () => ({}));
    await gone.link.drop();
    await gone.link.client.session.available();
    expect(gone.seen[0]?.signal.aborted).toBe(true);
  });

  test("shows its end in the turn's events when nobody else can", async () => {
    await using pair = await asked();
    const events: unknown[] = [];
    pair.link.client.session.turns.expect("thread-1").claim("turn-1", {
      state: {} as never,
      receive: ({ method, params }) => events.push([method, params]),
      lost: () => undefined,
    });
    await pair.link.reconnect();
    expect(events).toEqual([["serverRequest/resolved", { threadId: "thread-1", requestId: 0 }]]);
  });

  test("is lost at once when it is about no turn", async () => {
    const contexts: RequestContext[] = [];
    await using pair = await asked({
      onAuthTokenRefresh: (_, context) => {
        contexts.push(context);
        return new Promise(() => undefined);
      },
    });
    pair.asking().ask("account/chatgptAuthTokens/refresh", { reason: "unauthorized" }, 7);
    await pair.link.client.request("config/read", {});
    await pair.link.drop();
    expect(contexts[0]?.signal.reason).toBeInstanceOf(TransportClosedError);
    expect(contexts[0]?.signal.reason).toMatchObject({ reason: { kind: "dropped" } });
    expect(pair.link.client.pendingRequests()).toHaveLength(1);
  });

  test("is lost when the connection is", async () => {
    await using pair = await asked();
    await pair.link.drop();
    await pair.link.client.close();
    expect(pair.seen[0]?.signal.reason).toMatchObject({ reason: { kind: "closed" } });
  });
});

describe("an answer never goes to another question,", () => {
  const others: [string, object][] = [
    ["of another turn", { ...question, turnId: "turn-2" }],
    ["of another item", { ...question, itemId: "item-2" }],
    ["of another thread", { ...question, threadId: "thread-2" }],
    ["about another command", { ...question, command: "rm -r /" }],
    ["of no turn", { ...question, turnId: null }],
  ];

  test.each(others)("%s, though the id is the same", async (_, other) => {
    await using pair = await asked({
      replay: (asking, index) => {
        if (index > 0) asking.ask(approval, other, 0);
      },
    });
    await pair.link.drop();
    pair.answers[0]?.("accept");
    await pair.link.client.session.available();
    expect(await pair.asking().answered()).toEqual([]);
    expect(pair.seen).toHaveLength(2);
    expect(pair.seen[1]?.key).not.toBe(pair.seen[0]?.key);
    pair.answers[1]?.("decline");
    expect(await pair.asking().answerTo(0)).toMatchObject({ result: { decision: "decline" } });
    expect(await pair.asking().answered()).toEqual([0]);
  });

  test.each(others)("%s, though the first is still open", async (_, other) => {
    await using pair = await asked({
      replay: (asking, index) => {
        if (index > 0) asking.ask(approval, other, 0);
      },
    });
    await pair.link.reconnect();
    expect(pair.seen[0]?.signal.aborted).toBe(true);
    expect(pair.link.client.pendingRequests()).toHaveLength(1);
    pair.answers[0]?.("accept");
    expect(await pair.asking().answered()).toEqual([]);
    pair.answers[1]?.("decline");
    expect(await pair.asking().answerTo(0)).toMatchObject({ result: { decision: "decline" } });
  });

  test("of another method, and its key does not answer it either", async () => {
    await using pair = await asked({
      onApproval: () => defer(),
      replay: (asking, index) => {
        if (index > 0) asking.ask("item/fileChange/requestApproval", question, 0);
      },
    });
    const [first] = pair.link.client.pendingRequests();
    await pair.link.reconnect();
    expect(() => {
      pair.link.client.respond(first?.key ?? "", "accept");
    }).toThrow();
    expect(await pair.asking().answered()).toEqual([]);
    expect(pair.link.client.pendingRequests()).toMatchObject([
      { method: "item/fileChange/requestApproval" },
    ]);
  });

  test("after the turn has ended, or the request was resolved, nothing is kept to be sent", async () => {
    for (const end of [
      turnCompleted(turn),
      { method: "serverRequest/resolved", params: { threadId: "thread-1", requestId: 0 } },
    ]) {
      await using pair = await asked({
        replay: (asking, index) => {
          if (index > 0) again(asking);
        },
      });
      pair.answers[0]?.("accept");
      await pair.asking().answerTo(0);
      pair.link.server.send(end);
      await pair.link.client.request("config/read", {});
      await pair.link.reconnect();
      expect(await pair.asking().answered()).toEqual([]);
      expect(pair.seen).toHaveLength(2);
    }
  });

  test("and a notice that another client's request is resolved ends none of ours", async () => {
    await using pair = await asked({ replay: again });
    pair.link.server.notify("serverRequest/resolved", { threadId: "thread-9", requestId: 0 });
    await pair.link.client.request("config/read", {});
    expect(pair.link.client.pendingRequests()).toHaveLength(1);
  });
});

describe("a tool call that is open when the connection drops", () => {
  test("is carried out once, and its result is sent when it is asked again", async () => {
    const call = { ...turn, callId: "call-1", tool: "build", arguments: {}, namespace: null };
    const ask = (asking: Asking) => void asking.ask("item/tool/call", call, 3);
    let calls = 0;
    let finish: (text: string) => void = () => undefined;
    await using pair = await asked({ replay: ask });
    const handle = pair.link.client.handle("item/tool/call", async () => {
      calls += 1;
      const text = await new Promise<string>((resolve) => (finish = resolve));
      return { contentItems: [{ type: "inputText", text }], success: true };
    });
    ask(pair.asking());
    await pair.link.client.request("config/read", {});
    await pair.link.drop();
    finish("built");
    await pair.link.client.session.available();
    expect(await pair.asking().answerTo(3)).toMatchObject({
      result: { contentItems: [{ type: "inputText", text: "built" }], success: true },
    });
    expect(calls).toBe(1);
    handle();
  });
});
