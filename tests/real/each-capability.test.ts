import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { generateText } from "ai";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { CodexPool } from "../../lib/fleet/index.js";
import { Codex, type StartThreadOptions } from "../../lib/index.js";
import {
  reply,
  type LoopbackModel,
  type Reply,
  type RequestMatch,
} from "../../lib/testing/index.js";
import { codexFor } from "../support/ai-model.js";
import { startChatServer, untilPart } from "../support/chat-server.js";
import { collect } from "../support/collect.js";
import { ListeningServer } from "../support/listening-server.js";
import { mcpConfig } from "../support/mcp-config.js";
import { testWhere } from "../support/offers.js";
import { RealStage } from "../support/real.js";
import { makeTempDir } from "../support/temp-dir.js";
import { callTools, lastRequest, tool } from "../support/tools.js";

// Each capability once, on one server. What can go wrong with it is in the file of its own, *.long.test.ts.
let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
});
afterAll(() => stage.close());

/** A thread whose model will give these replies. */
async function threadWith(options: StartThreadOptions, ...replies: Reply[]) {
  const thread = await codex.startThread(options);
  model.enqueueFor(thread.id, ...replies);
  return thread;
}

/** A turn that has said "Half of " and stands still until its gate is released. */
async function heldTurn() {
  const gate = reply.hold();
  const thread = await threadWith({}, reply.text(["Half of ", gate, "a sentence."]));
  const turn = thread.turn("Talk");
  await gate.reached;
  return { thread, turn, gate };
}

const inProject = (name: string) => path.join(stage.project, name);

describe("what the model may do", () => {
  test.each([
    ["accept", true, "completed"],
    ["decline", false, "declined"],
  ] as const)(
    "a command that is answered with %s: it runs is %s",
    async (decision, runs, status) => {
      const file = inProject(decision);
      const thread = await threadWith(
        { approvalPolicy: "untrusted", onApproval: () => decision },
        reply.shell(`touch ${file}`),
        reply.text("Done."),
      );
      const { finalResponse, items } = await thread.run("Touch it");
      expect([finalResponse, existsSync(file)]).toEqual(["Done.", runs]);
      expect(items).toContainEqual(expect.objectContaining({ type: "commandExecution", status }));
    },
  );

  test("a command that nobody can answer for does not run", async () => {
    const file = inProject("unanswered");
    const touch = reply.shell(`touch ${file}`);
    const thread = await threadWith({ approvalPolicy: "untrusted" }, touch, reply.text("Done."));
    expect(await thread.run("Touch it")).toMatchObject({ status: "completed" });
    expect(existsSync(file)).toBe(false);
  });

  test("a function of the client", async () => {
    const weather = tool("weather", (args) => `Rain in ${(args as { city: string }).city}`);
    const thread = await codex.startThread({ tools: [weather] });
    expect(await callTools(model, thread, ["weather", { city: "Rome" }])).toEqual(["Rain in Rome"]);
  });

  test("a tool of an MCP server", async () => {
    const shout = reply.mcpTool("shouting", "shout", { text: "hello" });
    const config = { mcp_servers: { shouting: mcpConfig("mcp-server") } };
    const thread = await threadWith({ config }, shout, reply.text("Shouted."));
    await codex.mcp.started(thread.id);
    await thread.run("Shout");
    expect(lastRequest(model, thread)?.toolOutputs[0]?.output).toContain("HELLO");
  });
});

describe("turns", () => {
  test("one with an output schema gives a value", async () => {
    const thread = await threadWith({}, reply.text('{"name":"Ann"}'));
    const properties = { name: { type: "string" } };
    const outputSchema = { type: "object", properties, required: ["name"] };
    expect((await thread.run("Who?", { outputSchema })).output).toEqual({ name: "Ann" });
  });

  test("one that is steered hears the new input", async () => {
    const { thread, turn, gate } = await heldTurn();
    model.enqueueFor(thread.id, reply.text("Something else."));
    await turn.steer("Something else, please.");
    gate.release(); // Older servers let the message end.
    expect(await turn.run()).toMatchObject({ finalResponse: "Something else." });
    expect(lastRequest(model, thread)?.lastUserText).toBe("Something else, please.");
  });

  test("one that is interrupted ends, and its thread goes on", async () => {
    const { thread, turn, gate } = await heldTurn();
    await turn.interrupt();
    gate.release();
    expect(await turn.run()).toMatchObject({ status: "interrupted", finalResponse: null });
    expect(await thread.run("Go on")).toMatchObject({ status: "completed" });
  });

  test("a review has its findings as its answer", async () => {
    const thread = await codex.startThread();
    const isReview: RequestMatch = ({ subagent, parentThreadId }) =>
      subagent === "review" && parentThreadId === thread.id;
    model.enqueueFor(isReview, reply.text("Nothing to complain about."));
    const review = thread.review({ type: "custom", instructions: "Look at everything." });
    expect((await review.run()).finalResponse).toContain("Nothing to complain about.");
  });

  test("one that is attached to by its message gives the same result", async () => {
    const { thread, turn, gate } = await heldTurn();
    const { id } = await turn.started;
    const [message] = await thread.items().all();
    const clientUserMessageId = String((message?.item as { clientId?: unknown }).clientId);
    const attached = codex.thread(thread.id).attachTurn({ clientUserMessageId });
    expect(await attached.started).toEqual({ id });
    gate.release();
    const { items, finalResponse } = await turn.run();
    expect(await attached.run()).toMatchObject({ id, items, finalResponse });
  });

  test("a queued input runs behind the turn that runs", async () => {
    const { thread, turn, gate } = await heldTurn();
    const coming = thread.unsolicitedTurns();
    model.enqueueFor(thread.id, reply.text("The next."));
    await thread.queue.add("Next");
    expect(await thread.queue.list().all()).toHaveLength(1);
    gate.release();
    expect(await turn.run()).toMatchObject({ finalResponse: "Half of a sentence." });
    const { value: next } = await coming.next();
    expect(await next?.run()).toMatchObject({ finalResponse: "The next." });
    await coming.return?.();
  });

  test("a goal goes on until the model says that it is reached", async () => {
    const complete = reply.updateGoal("complete");
    const thread = await threadWith({}, reply.text("Nearly."), complete, reply.text("Reached."));
    const result = await thread.runGoal("Reach the moon").run();
    expect(result).toMatchObject({ status: "complete", finalResponse: "Reached." });
    expect(result.turns).toHaveLength(2);
  });
});

const searchTest = await testWhere("thread/search/stream");

describe("threads", () => {
  test("are listed, read, forked, archived and taken back", async () => {
    const thread = await codex.startThread();
    await thread.run("About the heliotrope");
    const ids = async (archived: boolean) =>
      (await codex.listThreads({ archived }).all()).map(({ id }) => id);
    expect(await ids(false)).toContain(thread.id);
    expect(await thread.read()).toMatchObject({ id: thread.id, preview: "About the heliotrope" });

    const fork = await codex.forkThread(thread.id);
    await fork.run("And now?");
    expect(JSON.stringify(lastRequest(model, fork)?.input)).toMatch(/heliotrope.*And now\?/);

    await thread.archive();
    expect(await ids(false)).not.toContain(thread.id);
    expect(await ids(true)).toContain(thread.id);
    await thread.unarchive();
    expect(await thread.run("Back")).toMatchObject({ status: "completed" });
  });

  searchTest("are found by what was said in them", async () => {
    const thread = await codex.startThread();
    await thread.run("A quick otter");
    const found = await collect(codex.threadSearch("otter"));
    expect(found.map((each) => each.thread.id)).toEqual([thread.id]);
  });
});

describe("the machine", () => {
  test("runs a command, and gives what it writes", async () => {
    const { exit } = codex.exec(["sh", "-c", "echo out; echo err >&2; exit 3"]);
    expect(await exit).toMatchObject({ exitCode: 3, stdout: "out\n", stderr: "err\n" });
  });

  test("keeps files", async () => {
    const file = inProject("file.txt");
    await codex.files.write(file, "Größe");
    expect(await readFile(file, "utf8")).toBe("Größe");
    expect(await codex.files.readText(file)).toBe("Größe");
    await codex.files.remove(file);
    expect(existsSync(file)).toBe(false);
  });

  test("keeps settings", async () => {
    await codex.config.write("model_verbosity", "low");
    expect((await codex.config.read()).config.model_verbosity).toBe("low");
    await codex.config.write("model_verbosity", null);
  });
});

describe("servers", () => {
  test("one that listens on a socket is used, and left running", async () => {
    await using server = await ListeningServer.start(stage);
    await using remote = new Codex({ url: server.url });
    const thread = await remote.startThread({ cwd: stage.project });
    model.enqueueFor(thread.id, reply.text("Hello."));
    expect(await thread.run("Hi")).toMatchObject({ finalResponse: "Hello." });
    await remote.close();
    const again = await server.connect();
    expect((await again.resumeThread(thread.id)).id).toBe(thread.id);
  });

  test.each([
    ["is killed", killServer],
    ["is suspended", suspendServer],
  ])("one that %s is started again by the next call, with its threads", async (_how, end) => {
    const thread = await codex.startThread();
    await thread.run("Remember the word heliotrope.");
    await end();
    expect(await stage.processes()).toEqual([]);
    expect(await thread.run("Which word?")).toMatchObject({ status: "completed" });
    expect(JSON.stringify(lastRequest(model, thread)?.input)).toContain("heliotrope");
  });

  test("two tenants share the one place of a pool, each with a home of its own", async () => {
    await using homes = await makeTempDir();
    const { env, ...options } = stage.options();
    const own = { ...env, CODEX_HOME: undefined, CODEX_SQLITE_HOME: undefined };
    await using pool = new CodexPool({
      maxServers: 1,
      optionsFor: (key) => ({ ...options, env: own, codexHome: path.join(homes.path, key) }),
    });
    const [a, b] = await Promise.all([pool.get("a"), pool.get("b")]);
    const thread = await a.startThread();
    await thread.run("I am a");
    expect(await b.listThreads().all()).toEqual([]);
    expect((await a.listThreads().all()).map(({ id }) => id)).toEqual([thread.id]);
  });
});

async function killServer(): Promise<void> {
  const client = await codex.client();
  const [pid = 0] = await stage.processes();
  process.kill(pid, "SIGKILL");
  await client.closed;
}

async function suspendServer(): Promise<void> {
  expect(await codex.suspend()).toBe(true);
}

describe("web and AI SDK", () => {
  test("a page reads a turn, and answers what it asks", async () => {
    const newThread = { cwd: stage.project, approvalPolicy: "untrusted" } as const;
    await using server = await startChatServer({ codex, newThread });
    const ada = server.as("ada");
    const { threadId } = await ada.post<{ threadId: string }>("/threads", {});
    const file = inProject("by-page");
    model.enqueueFor(threadId, reply.shell(`touch ${file}`), reply.text("Touched."));
    const input = "Touch it";
    const { turnId } = await ada.post<{ turnId: string }>(`/threads/${threadId}/turns`, { input });
    const reading = ada.read(turnId);
    const { key } = await untilPart(reading, "request");
    expect(existsSync(file)).toBe(false);
    await ada.post(`/turns/${turnId}/answers`, { key, decision: "accept" });
    expect(await untilPart(reading, "end")).toMatchObject({ status: "completed" });
    expect(existsSync(file)).toBe(true);
  });

  test("a language model answers generateText()", async () => {
    model.enqueue(reply.text("Done."));
    const { text } = await generateText({ model: codexFor({ codex })(), prompt: "Go" });
    expect(text).toBe("Done.");
  });
});
