import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import {
  approve,
  defer,
  ExternalClockError,
  InvalidArgumentError,
  RequestNotPendingError,
  ServerRequestOverError,
  TransportClosedError,
  type Codex,
  type CodexOptions,
  type ElicitationRequest,
  type RequestContext,
  type RequestHandlers,
  type StartThreadOptions,
  type Thread,
  type UserInputRequest,
} from "../../lib/index.js";
import { reply, type LoopbackModel, type Reply } from "../../lib/testing/index.js";
import { offers, testWhere } from "../support/offers.js";
import { collect } from "../support/collect.js";
import { mcpConfig } from "../support/mcp-config.js";
import { next, RealStage } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open({
    config: { features: { default_mode_request_user_input: true } },
  });
  model = stage.model;
  codex = stage.codex();
});
afterAll(() => stage.close());

const commandApproval = "item/commandExecution/requestApproval";

async function asking(options: StartThreadOptions, ...replies: Reply[]): Promise<Thread> {
  const thread = await codex.startThread({ approvalPolicy: "untrusted", ...options });
  model.enqueueFor(thread.id, ...replies, reply.text("Done."));
  return thread;
}

function marker(name: string) {
  const file = path.join(stage.project, name);
  return { make: reply.shell(`mkdir ${file}`), made: () => existsSync(file) };
}

/** A handler that defers, and the contexts that it got; `asked` resolves with the first. */
function deferring() {
  const contexts: RequestContext[] = [];
  let ask: ((context: RequestContext) => void) | undefined;
  const asked = new Promise<RequestContext>((resolve) => (ask = resolve));
  const onApproval = (_: unknown, context: RequestContext) => {
    contexts.push(context);
    ask?.(context);
    return defer();
  };
  return { onApproval, contexts, asked };
}

describe("a request that is left open", () => {
  test("is listed, and answered from anywhere by its key", async () => {
    const { make, made } = marker("deferred");
    const { onApproval, asked } = deferring();
    const thread = await asking({ onApproval }, make);
    const turn = thread.turn("Make it");
    await asked;
    const [pending, ...others] = codex.pendingRequests();
    expect(others).toEqual([]);
    expect(pending).toMatchObject({
      method: commandApproval,
      threadId: thread.id,
      turnId: turn.id,
      request: { type: "command", cwd: stage.project },
    });
    expect(made()).toBe(false);
    codex.respond(pending?.key ?? "", "accept");
    expect(codex.pendingRequests()).toEqual([]);
    expect(await turn.run()).toMatchObject({ status: "completed" });
    expect(made()).toBe(true);
  });

  test("is not answered twice, nor by an answer that is none", async () => {
    const { make, made } = marker("responded-twice");
    const { onApproval, asked, contexts } = deferring();
    const turn = (await asking({ onApproval }, make)).turn("Make it");
    const { key, requestId } = await asked;
    const client = await codex.client();
    expect(() => {
      codex.respond(key, { permissions: {} });
    }).toThrow(InvalidArgumentError);
    client.respond(requestId, "decline");
    for (const again of [key, requestId]) {
      expect(() => {
        client.respond(again, "accept");
      }).toThrow(RequestNotPendingError);
    }
    expect(contexts.map(({ signal }) => signal.reason as unknown)).toEqual([
      expect.objectContaining({ why: "answered" }),
    ]);
    expect(await turn.run()).toMatchObject({ status: "completed" });
    expect(made()).toBe(false);
  });

  test("while its handler is at it is answered by whoever is first", async () => {
    const { make, made } = marker("first-answer");
    let late: ((decision: "accept") => void) | undefined;
    let context: RequestContext | undefined;
    const asked = new Promise<void>((resolve) => {
      void asking(
        {
          onApproval: (_, given) => {
            context = given;
            resolve();
            return new Promise((decide) => (late = decide));
          },
        },
        make,
      ).then((thread) => thread.run("Make it"));
    });
    await asked;
    const resolved = next(await codex.client(), "serverRequest/resolved");
    codex.respond(context?.key ?? "", "cancel");
    late?.("accept");
    expect(await resolved).toMatchObject({ requestId: context?.requestId });
    expect(context?.signal.reason).toBeInstanceOf(ServerRequestOverError);
    expect(made()).toBe(false);
  });

  test("ends with an interrupt of its turn", async () => {
    const { make, made } = marker("interrupted");
    const { onApproval, asked } = deferring();
    const turn = (await asking({ onApproval }, make)).turn("Make it");
    const { signal, key } = await asked;
    expect(signal.aborted).toBe(false);
    await turn.interrupt();
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
    expect(signal.reason).toBeInstanceOf(ServerRequestOverError);
    expect(signal.reason).toMatchObject({ why: "turnEnded" });
    expect(() => {
      codex.respond(key, "accept");
    }).toThrow(RequestNotPendingError);
    expect(made()).toBe(false);
  });

  test("stays open when its turn is steered", async () => {
    const { make, made } = marker("steered");
    const { onApproval, asked, contexts } = deferring();
    const turn = (await asking({ onApproval }, make, reply.text("Steered."))).turn("Make it");
    const { signal, key } = await asked;
    await turn.steer("Quickly, please");
    expect([signal.aborted, codex.pendingRequests().length]).toEqual([false, 1]);
    codex.respond(key, "accept");
    expect(await turn.run()).toMatchObject({ status: "completed" });
    expect([made(), contexts.length]).toEqual([true, 1]);
  });

  test("reaches its handler once, though resuming the thread makes the server ask again", async () => {
    const { make, made } = marker("resumed");
    const { onApproval, asked, contexts } = deferring();
    const thread = await asking({ onApproval }, make);
    const turn = thread.turn("Make it");
    const events = collect(turn);
    const { key } = await asked;
    await codex.resumeThread(thread.id);
    await codex.resumeThread(thread.id);
    // Whatever the server has sent behind the answers has come when another answer has.
    await thread.read();
    expect([contexts.length, codex.pendingRequests().length]).toEqual([1, 1]);
    codex.respond(key, "accept");
    await turn.run();
    expect([made(), contexts.length]).toEqual([true, 1]);
    expect((await events).filter(({ method }) => method === commandApproval)).toHaveLength(1);
  });

  test("that was missed while nobody was subscribed is asked upon resuming", async () => {
    const { make, made } = marker("missed");
    const client = await stage.client();
    const gate = reply.hold();
    const { thread: opened } = await client.request("thread/start", {
      approvalPolicy: "untrusted",
    });
    const { id } = opened;
    model.enqueueFor(id, [gate, make], reply.text("Done."));
    const input = [{ type: "text" as const, text: "Make it", text_elements: [] }];
    await client.request("turn/start", { threadId: id, input });
    await gate.reached;
    await client.request("thread/unsubscribe", { threadId: id });
    const waiting = next(
      client,
      "thread/status/changed",
      ({ threadId, status }) =>
        threadId === id &&
        status.type === "active" &&
        status.activeFlags.includes("waitingOnApproval"),
    );
    gate.release();
    await waiting;
    expect(client.pendingRequests()).toEqual([]);
    const ended = next(client, "turn/completed", ({ threadId }) => threadId === id);
    await client.resumeThread(id, { onApproval: "accept" });
    expect(await ended).toMatchObject({ turn: { status: "completed" } });
    expect(made()).toBe(true);
    await client.close();
  });

  test("is over when the process is, and its key answers no request of the next one", async () => {
    const own = stage.codex();
    const first = marker("before-the-restart");
    const second = marker("after-the-restart");
    const before = deferring();
    const thread = await own.startThread({ approvalPolicy: "untrusted" });
    model.enqueueFor(thread.id, first.make, second.make, reply.text("Done."));
    const lost = thread.turn("Make it", { onApproval: before.onApproval });
    const failure = lost.run().catch((error: unknown) => error);
    const old = await before.asked;
    await (await own.client()).close();
    expect(await failure).toBeInstanceOf(TransportClosedError);
    expect(old.signal.reason).toBeInstanceOf(TransportClosedError);
    expect(own.pendingRequests()).toEqual([]);
    const after = deferring();
    const turn = thread.turn("Make another", { onApproval: after.onApproval });
    const fresh = await after.asked;
    expect(fresh.requestId).toBe(old.requestId);
    expect(() => {
      own.respond(old.key, "accept");
    }).toThrow(RequestNotPendingError);
    own.respond(fresh.key, "accept");
    await turn.run();
    expect([first.made(), second.made()]).toEqual([false, true]);
    await own.close();
  });
});

describe("a turn's stream", () => {
  test("shows an approval between its item and what comes of it", async () => {
    const thread = await asking({ onApproval: "accept" }, marker("streamed").make);
    const turn = thread.turn("Make it");
    const events = await collect(turn);
    const about = events.flatMap((event) => {
      switch (event.method) {
        case "item/started":
        case "item/completed":
          return event.params.item.type === "commandExecution" ? [event.method] : [];
        case commandApproval:
        case "serverRequest/resolved":
          return [event.method];
        default:
          return [];
      }
    });
    expect(about).toEqual([
      "item/started",
      commandApproval,
      "serverRequest/resolved",
      "item/completed",
    ]);
    const asked = events.find((event) => event.method === commandApproval);
    const resolved = events.find((event) => event.method === "serverRequest/resolved");
    expect(asked?.params).toMatchObject({ threadId: thread.id, turnId: turn.id });
    expect(resolved?.params.requestId).toBe(asked?.requestId);
  });

  test("is enough to decide from", async () => {
    const { make, made } = marker("decided-in-the-loop");
    const turn = (await asking({ onApproval: () => defer() }, make)).turn("Make it");
    for await (const event of turn) {
      if (event.method === commandApproval) codex.respond(event.key, "accept");
    }
    expect(made()).toBe(true);
  });

  test("tells of a request that ended with its turn, at the end or not at all", async () => {
    const { onApproval, asked } = deferring();
    const turn = (await asking({ onApproval }, marker("cut-short").make)).turn("Make it");
    const events = collect(turn);
    await asked;
    await turn.interrupt();
    expect((await events).at(-1)).toMatchObject({ method: "turn/completed" });
  });
});

test("questions to the user are answered by their ids", async () => {
  const seen: UserInputRequest[] = [];
  const options = [
    { label: "Red", description: "Like a rose" },
    { label: "Blue", description: "Like the sky" },
  ];
  const questions = [
    { id: "colour", header: "Colour", question: "Which colour?", options },
    { id: "size", header: "Size", question: "Which size?", options },
  ];
  const thread = await asking(
    {
      onUserInput: (request) => {
        seen.push(request);
        return { colour: "Blue", size: ["Red", "Blue"] };
      },
    },
    reply.requestUserInput(questions),
  );
  expect(await thread.run("Ask me")).toMatchObject({ status: "completed" });
  expect(seen).toMatchObject([{ type: "userInput", questions }]);
  const asked = model.requests.findLast(({ threadId }) => threadId === thread.id);
  expect(JSON.parse(asked?.toolOutputs.at(-1)?.output ?? "")).toEqual({
    answers: { colour: { answers: ["Blue"] }, size: { answers: ["Red", "Blue"] } },
  });
});

describe("an MCP server", () => {
  /** A thread with an MCP server of its own, which asks, and whose tool needs an approval. */
  async function withMcp(options: StartThreadOptions, ...replies: Reply[]): Promise<Thread> {
    const client = await codex.client();
    const ready = new Set<string | null>();
    const stop = client.on("mcpServer/startupStatus/updated", ({ params }) => {
      if (params.status === "ready") ready.add(params.threadId);
    });
    const config = { mcp_servers: { asking: mcpConfig("asking-mcp-server") } };
    const thread = await asking({ approvalPolicy: "on-request", config, ...options }, ...replies);
    while (!ready.has(thread.id)) await next(client, "mcpServer/startupStatus/updated");
    stop();
    return thread;
  }

  function toldTo(thread: Thread): string {
    const asked = model.requests.findLast(({ threadId }) => threadId === thread.id);
    return asked?.toolOutputs.at(-1)?.output ?? "";
  }

  test.each([
    ["accept", { action: "accept", content: { count: 3 } }],
    ["decline", "decline"],
    ["cancel", "cancel"],
  ] as const)("that has a form is told to %s", async (action, answer) => {
    const seen: ElicitationRequest[] = [];
    const thread = await withMcp(
      {
        onElicitation: (request) => {
          seen.push(request);
          return answer;
        },
      },
      reply.mcpTool("asking", "ask"),
    );
    await thread.run("Ask");
    expect(toldTo(thread)).toContain(`The user chose to ${action}.`);
    expect(seen).toMatchObject([
      {
        type: "form",
        serverName: "asking",
        message: "How many?",
        requestedSchema: { properties: { count: { type: "number" } } },
        threadId: thread.id,
      },
    ]);
  });

  test.each(["accept", "decline", "cancel"] as const)(
    "that has a page to open is told to %s",
    async (action) => {
      const seen: ElicitationRequest[] = [];
      const onElicitation = (request: ElicitationRequest) => (seen.push(request), action);
      const thread = await withMcp({}, reply.mcpTool("asking", "visit"));
      const turn = thread.turn("Show it", { onElicitation });
      const events = await collect(turn);
      expect(toldTo(thread)).toContain(`The user chose to ${action}.`);
      expect(seen).toMatchObject([
        {
          type: "url",
          serverName: "asking",
          message: "Please sign in",
          url: "https://example.com/sign-in",
          elicitationId: "sign-in-1",
          threadId: thread.id,
        },
      ]);
      const asked = events.filter(({ method }) => /request/i.test(method));
      expect(asked.map(({ method }) => method)).toEqual([
        "mcpServer/elicitation/request",
        "serverRequest/resolved",
      ]);
    },
  );

  test("may have its tool called when that is approved, and only then", async () => {
    const seen: ElicitationRequest[] = [];
    const answers = ["decline", approve.tool()] as const;
    const file = path.join(stage.project, "acted");
    const act = reply.mcpTool("asking", "act", { file });
    const made: boolean[] = [];
    const thread = await withMcp(
      {
        onElicitation: (request) => {
          made.push(existsSync(file));
          seen.push(request);
          return answers[seen.length - 1] ?? "decline";
        },
      },
      act,
      act,
    );
    await thread.run("Act");
    expect([made, existsSync(file)]).toEqual([[false, false], true]);
    // Older servers ask without the name.
    const named = seen.some(({ _meta: meta }) => "tool_name" in Object(meta));
    const question = {
      type: "toolApproval",
      serverName: "asking",
      toolName: named ? "act" : undefined,
      toolArguments: { file },
    };
    expect(seen).toMatchObject([question, question]);
  });

  test("whose tool is approved for the session is not asked about again", async () => {
    let asked = 0;
    const act = (name: string) =>
      reply.mcpTool("asking", "act", { file: path.join(stage.project, name) });
    const onElicitation = () => ((asked += 1), approve.tool({ persist: "session" }));
    const thread = await withMcp({ onElicitation }, act("act-1"), act("act-2"));
    await thread.run("Act");
    expect(asked).toBe(1);
    expect(["act-1", "act-2"].map((name) => existsSync(path.join(stage.project, name)))).toEqual([
      true,
      true,
    ]);
  });
});

test("a tool call that the model makes reaches a handler of the method, with a signal", async () => {
  const contexts: RequestContext[] = [];
  const inputSchema = { type: "object", properties: {} };
  const weather = {
    type: "function",
    name: "weather",
    description: "Weather",
    inputSchema,
  } as const;
  const thread = await asking(
    {
      dynamicTools: [weather],
      handlers: {
        "item/tool/call": ({ tool }, context) => {
          contexts.push(context);
          if (contexts.length > 1) return defer();
          return { contentItems: [{ type: "inputText", text: `${tool}: sunny` }], success: true };
        },
      },
    },
    reply.functionCall("weather", {}, { callId: "call-1" }),
    reply.functionCall("weather", {}, { callId: "call-2" }),
  );
  const turn = thread.turn("How is the weather?");
  let closed = false;
  for await (const event of turn) {
    if (event.method === "item/completed" && event.params.item.id === "call-2") closed = true;
    if (event.method === "item/tool/call" && event.params.callId === "call-2") {
      await turn.interrupt();
    }
  }
  expect(contexts.map(({ itemId }) => itemId)).toEqual(["call-1", "call-2"]);
  const asked = model.requests.findLast(({ threadId }) => threadId === thread.id);
  expect(asked?.toolOutputs.at(-1)?.output).toContain("weather: sunny");
  expect(contexts.map(({ signal }) => signal.aborted)).toEqual([false, true]);
  // Older servers end the turn without a word about the call.
  expect(contexts[1]?.signal.reason).toMatchObject({ why: closed ? "callEnded" : "turnEnded" });
});

test("the server takes the announcement that it may ask for attestation", async () => {
  const client = await stage.client({ onAttestation: () => "token" });
  expect((await client.account()).account).toBeNull();
  await client.close();
});

const features = { current_time_reminder: { enabled: true, clock_source: "external" } };
const asksForTime = await offers("currentTime/read");
const clockTest = await testWhere("currentTime/read");
const compactionTest = asksForTime
  ? await testWhere("currentTime/read in a compaction", async (other) => {
      let asked = 0;
      const onCurrentTime = () => ((asked += 1), new Date());
      const thread = await other.codex({ onCurrentTime }).startThread({ config: { features } });
      await thread.run("Hi");
      const before = asked;
      await thread.compact().run();
      return asked > before;
    })
  : clockTest;

describe("the time that the agent is told", () => {
  async function toldTime(options: CodexOptions, ofTurn: RequestHandlers = {}): Promise<string> {
    await using own = await RealStage.open({ config: { features } });
    const thread = await own.codex(options).startThread();
    expect(await thread.run("What time is it?", ofTurn)).toMatchObject({ status: "completed" });
    return JSON.stringify(own.model.requests.map(({ input }) => input));
  }

  test("is the server's own where it says so, and a server that asks nobody refuses any other", async () => {
    const withClock = (clock_source: string) => ({
      config: { features: { current_time_reminder: { enabled: true, clock_source } } },
    });
    let asked = 0;
    const codex = stage.codex({ onCurrentTime: () => ((asked += 1), new Date()) });
    const thread = await codex.startThread(withClock("system"));
    expect(await thread.run("What time is it?")).toMatchObject({ status: "completed" });
    expect(asked).toBe(0);
    const other = codex.startThread(withClock("external"));
    if (asksForTime) expect(await (await other).run("Hi")).toMatchObject({ status: "completed" });
    else await expect(other).rejects.toBeInstanceOf(ExternalClockError);
  });

  clockTest("is that of the handler", async () => {
    const threadIds: string[] = [];
    const told = await toldTime({
      onCurrentTime: ({ threadId }) => {
        threadIds.push(threadId);
        return new Date("2030-01-02T03:04:05Z");
      },
    });
    expect(told).toContain("2030-01-02 03:04:05 UTC");
    expect(threadIds.length).toBeGreaterThan(0);
  });

  clockTest("is that of the turn's own handler before anybody else's", async () => {
    const contexts: RequestContext[] = [];
    const wider = { onCurrentTime: () => new Date("2020-01-02T03:04:05Z") };
    const told = await toldTime(wider, {
      onCurrentTime: (_, context) => {
        contexts.push(context);
        return new Date("2030-01-02T03:04:05Z");
      },
    });
    expect([told.includes("2030-01-02"), told.includes("2020-01-02")]).toEqual([true, false]);
    expect(contexts.every(({ turnId }) => turnId !== undefined)).toBe(true);
  });

  compactionTest(
    "is asked of a compaction's own handler, though its first item comes only then",
    async () => {
      await using own = await RealStage.open({ config: { features } });
      const asked: string[] = [];
      const clock = (name: string) => () => (asked.push(name), new Date());
      const thread = await own.codex({ onCurrentTime: clock("client") }).startThread();
      await thread.run("Hi", { onCurrentTime: clock("turn") });
      const compaction = thread.compact({ onCurrentTime: clock("compaction") });
      expect(await compaction.run()).toMatchObject({ status: "completed" });
      expect([...new Set(asked)]).toEqual(["turn", "compaction"]);
    },
  );

  clockTest(
    "is the time when there is no handler, or it fails, since an error would end the turn",
    async () => {
      const hour = (time: Date) => time.toISOString().slice(0, 13).replace("T", " ");
      const failing = () => {
        throw new Error("no clock");
      };
      for (const options of [{}, { onCurrentTime: failing }]) {
        const before = hour(new Date());
        const told = await toldTime(options);
        expect([before, hour(new Date())].some((each) => told.includes(each))).toBe(true);
      }
    },
  );
});
