import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { AppServerClient, Codex, defineTool, type CodexServerOptions } from "../../../lib/index.js";
import { FakeAppServer, ResponseError } from "../../../lib/testing/index.js";
import { checked, type CheckedServer } from "../../support/checked-server.js";

let server: FakeAppServer;
let wire: CheckedServer;
let codex: Codex;

/** Every message of the server is held against the schemas of the protocol. */
function start(options: Partial<CodexServerOptions> = {}): Codex {
  codex = new Codex({ server: wire, ...options });
  return codex;
}

beforeEach(() => {
  server = new FakeAppServer();
  wire = checked(server);
});

afterEach(async () => {
  await codex.close();
  expect(wire.problems).toEqual([]);
});

describe("without a word", () => {
  test("it shakes hands, tells who is logged in, lists a model, and answers", async () => {
    start();
    const { serverInfo, loginRequired } = await codex.ready();
    expect(serverInfo.version).toMatch(/^0\.\d+\.\d+$/);
    expect(loginRequired).toBe(false);
    expect((await codex.models()).data.map(({ id }) => id)).toEqual(["fake-model"]);
    const thread = await codex.startThread({ cwd: "/repo" });
    const { finalResponse, status } = await thread.run("Hi");
    expect({ finalResponse, status }).toEqual({
      finalResponse: "Hello from the fake server.",
      status: "completed",
    });
  });

  test("it keeps threads, their settings, turns and items", async () => {
    start();
    const thread = await codex.startThread({ cwd: "/repo", sandbox: "workspace-write" });
    await thread.run("One");
    await thread.run("Two");
    await thread.setName("Numbers");
    const turns = (await thread.turns()).data;
    expect(turns).toHaveLength(2);
    const items = (await thread.items()).data;
    expect(items.map(({ item }) => item.type)).toHaveLength(4);
    const fork = await thread.fork();
    expect(fork.id).not.toBe(thread.id);
    const listed = (await codex.listThreads()).data;
    expect(listed.map(({ id }) => id)).toEqual([fork.id, thread.id]);
    expect(listed[1]).toMatchObject({ name: "Numbers", cwd: "/repo" });
    expect(server.paramsOf("turn/start").map(({ input }) => input)).toEqual([
      [expect.objectContaining({ text: "One" })],
      [expect.objectContaining({ text: "Two" })],
    ]);
  });

  test("a request that nobody has said anything of is refused by a sentence that helps", async () => {
    const client = await start().client();
    await expect(client.request("skills/list", {})).rejects.toThrow(
      'The fake server has no answer to skills/list: server.onRequest("skills/list", …) gives it one.',
    );
  });
});

describe("turns", () => {
  test("are a text, or what a function says of each", async () => {
    start();
    const thread = await codex.startThread();
    server
      .onTurn("Always this.")
      .onNextTurn("First.")
      .onNextTurn((turn) => turn.reply(turn.text));
    const answers = [];
    for (const text of ["a", "b", "c"]) answers.push((await thread.run(text)).finalResponse);
    expect(answers).toEqual(["First.", "b", "Always this."]);
  });

  test("stream their answer word by word, or in the pieces that are given", async () => {
    start();
    const thread = await codex.startThread();
    const deltas = async (): Promise<string[]> => {
      const pieces: string[] = [];
      for await (const event of thread.turn("Hi")) {
        if (event.method === "item/agentMessage/delta") pieces.push(event.params.delta);
      }
      return pieces;
    };
    server.onNextTurn("One two.").onNextTurn((turn) => turn.deltas(["On", "e t", "wo."]));
    expect(await deltas()).toEqual(["One ", "two."]);
    expect(await deltas()).toEqual(["On", "e t", "wo."]);
  });

  test("count their usage on top of what their thread has used", async () => {
    const server = new FakeAppServer();
    await using codex = new Codex({ server });
    const thread = await codex.startThread();
    for (const inputTokens of [100, 100]) {
      server.onNextTurn((turn) => {
        turn.usage({ inputTokens }).reply("Done.").usage({ outputTokens: 5 });
      });
      const { usage } = await thread.run("Hi");
      expect(usage?.turn).toMatchObject({ inputTokens: 100, outputTokens: 5, totalTokens: 105 });
    }
    server.onNextTurn((turn) => {
      turn.reply("Done.").usage({ outputTokens: 5 });
    });
    const { usage } = await (await thread.fork()).run("Hi");
    expect([usage?.turn.totalTokens, usage?.total.totalTokens]).toEqual([5, 215]);
  });

  test("have all kinds of items, in order, and their usage", async () => {
    start();
    const thread = await codex.startThread();
    server.onTurn((turn) =>
      turn
        .reasoning("I should look.")
        .commentary("Looking.")
        .command("ls", { output: "a.txt\n" })
        .command("false", { exitCode: 1 })
        .fileChange([{ path: "a.txt", kind: { type: "add" }, diff: "+a" }])
        .item({ type: "webSearch", id: "search", query: "q", action: null, results: null })
        .usage({ inputTokens: 10, outputTokens: 5 })
        .reply("Done."),
    );
    const result = await thread.run("Hi");
    expect(result.items.map(({ type }) => type)).toEqual([
      "userMessage",
      "reasoning",
      "agentMessage",
      "commandExecution",
      "commandExecution",
      "fileChange",
      "webSearch",
      "agentMessage",
    ]);
    expect(result.items[3]).toMatchObject({ aggregatedOutput: "a.txt\n", exitCode: 0 });
    expect(result.items[4]).toMatchObject({ status: "failed", exitCode: 1 });
    expect(result.usage?.turn).toMatchObject({ inputTokens: 10, outputTokens: 5, totalTokens: 15 });
    expect(result.finalResponse).toBe("Done.");
  });

  test("fail with a message and a class, or with what their function throws", async () => {
    start();
    const thread = await codex.startThread();
    server
      .onNextTurn((turn) => turn.fail("No money.", "usageLimitExceeded"))
      .onNextTurn(() => {
        throw new Error("The script is broken.");
      });
    await expect(thread.run("Hi")).rejects.toMatchObject({
      code: "TURN_FAILED",
      message: expect.stringContaining("No money."),
    });
    await expect(thread.run("Hi")).rejects.toThrow("The script is broken.");
    expect((await thread.run("Hi")).status).toBe("completed");
  });

  test("that are interrupted send nothing more, and what their function waits for rejects", async () => {
    start();
    const thread = await codex.startThread();
    let reason: unknown;
    server.onTurn(async (turn) => {
      turn.commentary("Wait.");
      await turn.hang().catch((error: unknown) => (reason = error));
      turn.reply("Too late.");
    });
    const turn = thread.turn("Hi");
    for await (const event of turn) if (event.method === "item/completed") break;
    const { status, finalResponse } = await turn.run();
    expect({ status, finalResponse }).toEqual({ status: "interrupted", finalResponse: null });
    expect(reason).toBeInstanceOf(Error);
  });

  test("can be steered", async () => {
    start();
    const thread = await codex.startThread();
    server.onTurn(async (turn) => {
      const [input] = await turn.steered();
      turn.reply(input?.type === "text" ? `So ${input.text}.` : "What?");
    });
    const turn = thread.turn("Hi");
    await turn.started;
    await turn.steer("the other way");
    expect((await turn.run()).finalResponse).toBe("So the other way.");
  });

  test("lose their server in the middle; the next call finds the thread again", async () => {
    start({ restart: { minDelayMs: 1 } });
    const thread = await codex.startThread();
    server.onNextTurn((turn) => turn.commentary("About to").crash());
    await expect(thread.run("Hi")).rejects.toMatchObject({ code: "TRANSPORT_CLOSED", exitCode: 1 });
    expect((await thread.run("Hi")).status).toBe("completed");
    const methods = server.received.map(({ method }) => method);
    expect(methods.filter((method) => method === "initialize")).toHaveLength(2);
    expect(methods).toContain("thread/resume");
  });
});

describe("what it asks", () => {
  const decisions = { accept: "completed", decline: "declined" } as const;
  for (const [decision, status] of Object.entries(decisions)) {
    test(`an approval that is answered by ${decision} goes on accordingly`, async () => {
      const asked: unknown[] = [];
      start({
        onApproval: (request) => {
          asked.push(request.type);
          return decision as "accept" | "decline";
        },
      });
      server.onTurn(async (turn) => {
        const answer = await turn.askApproval("rm -rf build", { output: "gone" });
        const change = { path: "a", kind: { type: "delete" as const }, diff: "-a" };
        await turn.askFileChange([change]);
        turn.reply(`You said ${JSON.stringify(answer)}.`);
      });
      const thread = await codex.startThread();
      const { items, finalResponse } = await thread.run("Clean up.");
      expect(asked).toEqual(["command", "fileChange"]);
      expect(items[1]).toMatchObject({ type: "commandExecution", status });
      expect(items[2]).toMatchObject({ type: "fileChange", status });
      expect(finalResponse).toBe(`You said "${decision}".`);
    });
  }

  test("a cancelled approval interrupts the turn", async () => {
    start({ onApproval: () => "cancel" });
    server.onTurn(async (turn) => {
      await turn.askApproval("rm -rf build");
      turn.reply("Never said.");
    });
    const thread = await codex.startThread();
    expect(await thread.run("Hi")).toMatchObject({ status: "interrupted", finalResponse: null });
  });

  test("tools of the client are called, and their answers come back", async () => {
    start();
    const tool = defineTool({
      name: "add",
      description: "Adds.",
      input: { type: "object", properties: {}, additionalProperties: true },
      execute: () => "3",
    });
    server.onTurn(async (turn) => {
      const { contentItems } = await turn.callTool("add", { a: 1, b: 2 });
      const [first] = contentItems;
      turn.reply(first?.type === "inputText" ? first.text : "?");
    });
    const thread = await codex.startThread({ tools: [tool] });
    expect((await thread.run("Add.")).finalResponse).toBe("3");
  });

  test("any request can be made outside of turns, too", async () => {
    start();
    await codex.client();
    expect(await server.request("currentTime/read", { threadId: "thread" })).toMatchObject({
      currentTimeAt: expect.any(Number),
    });
  });
});

describe("the rest", () => {
  test("any method has the answer that it is given, also an error", async () => {
    const client = await start().client();
    server.onRequest("thread/loaded/list", () => ({ data: ["mine"], nextCursor: null }));
    expect(await client.request("thread/loaded/list", {})).toMatchObject({ data: ["mine"] });
    server.onRequest("thread/loaded/list", () => {
      throw new ResponseError(-32_602, "not today");
    });
    await expect(client.request("thread/loaded/list", {})).rejects.toMatchObject({
      code: "INVALID_PARAMS",
    });
  });

  test("an overloaded server refuses, and the client tries again", async () => {
    start({ retryOnOverload: { minTimeoutMs: 1, maxTimeoutMs: 1 } });
    const thread = await codex.startThread();
    server.overload("turn/start", 2);
    expect((await thread.run("Hi")).status).toBe("completed");
    expect(server.paramsOf("turn/start")).toHaveLength(3);
  });

  test("a silence is a promise that never settles", async () => {
    const client = await start().client();
    server.onRequest("model/list", () => new Promise(() => undefined));
    const call = client.request("model/list", {}, { timeoutMs: 20 });
    await expect(call).rejects.toMatchObject({ code: "REQUEST_TIMEOUT" });
    expect((await server.nextRequest("model/list")).params).toEqual({});
  });

  test("a script of steps goes before the standard behaviour", async () => {
    server = new FakeAppServer({
      script: {
        on: { "thread/loaded/list": [{ respond: { data: ["{{count}}"], nextCursor: null } }] },
      },
    });
    wire = checked(server);
    const client = await start().client();
    expect(await client.request("thread/loaded/list", {})).toMatchObject({ data: [1] });
    wire = checked(new FakeAppServer());
  });

  test("on a socket it serves several clients, and a crash is a dropped connection", async () => {
    start();
    const url = await server.listen();
    await using one = await AppServerClient.connect(url);
    await using other = await AppServerClient.connect(url);
    const thread = await one.startThread();
    expect((await thread.run("Hi")).status).toBe("completed");
    const back = new Promise<void>((resolve) => {
      one.onConnectionStatus(({ state }) => {
        if (state === "ready") resolve();
      });
    });
    server.crash();
    await back;
    expect((await thread.run("Hi")).status).toBe("completed");
    expect((await other.models()).data).toHaveLength(1);
    await server.close();
  });

  test("what is no server is refused", () => {
    start();
    expect(() => new Codex({ server: {} as never })).toThrow("server must have a function");
    expect(() => new Codex({ server, codexPath: "/x" })).toThrow("codexPath");
    expect(() => new Codex({ server, token: "x" })).toThrow("token");
  });
});
