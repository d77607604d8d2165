import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import type {
  ApprovalHandler,
  Codex,
  RequestContext,
  RequestHandlers,
  Thread,
} from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { RealStage } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;
const answered: string[] = [];
const contexts: RequestContext[] = [];

/** Accepts, and leaves its name. */
function named(name: string): { onApproval: ApprovalHandler } {
  return {
    onApproval: (_, context) => {
      answered.push(name);
      contexts.push(context);
      return "accept";
    },
  };
}

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex(named("client"));
});
afterAll(() => stage.close());

let files = 0;

/** Runs a turn with one command on the thread; tells who was asked. */
async function whoIsAsked(thread: Thread, handlers: RequestHandlers = {}): Promise<string[]> {
  const file = path.join(stage.project, `file-${(files += 1)}`);
  answered.length = 0;
  model.enqueueFor(thread.id, reply.shell(`mkdir ${file}`), reply.text("Done."));
  await thread.run("Make it", { approvalPolicy: "untrusted", ...handlers });
  expect(existsSync(file)).toBe(true);
  return [...answered];
}

describe("the narrowest scope that has a handler answers:", () => {
  test("the turn's, the thread's, the client's", async () => {
    const withHandler = await codex.startThread(named("thread"));
    expect(await whoIsAsked(withHandler, named("turn"))).toEqual(["turn"]);
    expect(await whoIsAsked(withHandler)).toEqual(["thread"]);
    const without = await codex.startThread();
    expect(await whoIsAsked(without, named("turn"))).toEqual(["turn"]);
    expect(await whoIsAsked(without)).toEqual(["client"]);
    expect(await whoIsAsked(withHandler, { onUserInput: () => ({}) })).toEqual(["thread"]);
  });

  test("that of the thread on which a fork is made is not that of the fork", async () => {
    const thread = await codex.startThread(named("thread"));
    expect(await whoIsAsked(thread)).toEqual(["thread"]);
    expect(await whoIsAsked(await thread.fork())).toEqual(["client"]);
    expect(await whoIsAsked(await thread.fork(named("fork")))).toEqual(["fork"]);
  });

  test("that of a handle with thread(id) or resumeThread, on every handle of the thread", async () => {
    const thread = await codex.startThread();
    expect(await whoIsAsked(thread)).toEqual(["client"]);
    expect(await whoIsAsked(codex.thread(thread.id, named("bound")))).toEqual(["bound"]);
    expect(await whoIsAsked(thread)).toEqual(["bound"]);
    await codex.resumeThread(thread.id, named("resumed"));
    expect(await whoIsAsked(thread)).toEqual(["resumed"]);
    await codex.resumeThread(thread.id, { sandbox: "danger-full-access" });
    expect(await whoIsAsked(thread)).toEqual(["resumed"]);
  });

  test("a refusal, which another handle does not erase by naming another kind", async () => {
    const thread = await codex.startThread({ onApproval: { fileChange: "decline" } });
    const other = codex.thread(thread.id, { onApproval: { command: "decline" } });
    for (const handle of [other, thread]) {
      const file = path.join(stage.project, `refused-${(files += 1)}`);
      const patch = `*** Begin Patch\n*** Add File: ${file}\n+hello\n*** End Patch`;
      model.enqueueFor(
        thread.id,
        reply.applyPatch(patch),
        reply.shell(`mkdir ${file}`),
        reply.text("Refused."),
      );
      answered.length = 0;
      const { items } = await handle.run("Make it", { approvalPolicy: "untrusted" });
      expect(items).toMatchObject([
        { type: "userMessage" },
        { type: "fileChange", status: "declined" },
        { type: "commandExecution", status: "declined" },
        { type: "agentMessage" },
      ]);
      expect(existsSync(file)).toBe(false);
      expect(answered).toEqual([]);
    }
  });

  test("a handler of the method goes before the others of the client", async () => {
    const thread = await codex.startThread();
    const stop = codex.handle("item/commandExecution/requestApproval", ({ command }) => {
      answered.push(`raw ${typeof command}`);
      return { decision: "accept" };
    });
    expect(await whoIsAsked(thread)).toEqual(["raw string"]);
    stop();
    expect(await whoIsAsked(thread)).toEqual(["client"]);
  });
});

test("handlers survive the death of the server process, at all three levels", async () => {
  const own = stage.codex(named("client"));
  const stop = own.handle("item/fileChange/requestApproval", () => ({ decision: "accept" }));
  const thread = await own.startThread(named("thread"));
  const other = await own.startThread();
  expect(await whoIsAsked(thread)).toEqual(["thread"]);
  expect(await whoIsAsked(other)).toEqual(["client"]);
  const before = await own.client();
  const gone = before.closed;
  await before.close();
  await gone;
  expect(await whoIsAsked(thread)).toEqual(["thread"]);
  expect(await whoIsAsked(thread, named("turn"))).toEqual(["turn"]);
  expect(await whoIsAsked(other)).toEqual(["client"]);
  expect(await own.client()).not.toBe(before);
  stop();
  await own.close();
});

describe("a sub-agent's approval", () => {
  /** Runs a turn whose model sends a sub-agent to run a command, and waits for it. */
  async function withSubagent(thread: Thread, handlers: RequestHandlers = {}): Promise<string[]> {
    const file = path.join(stage.project, `child-${(files += 1)}`);
    answered.length = 0;
    contexts.length = 0;
    model.respond((request) => {
      if (request.parentThreadId === thread.id) {
        return request.toolOutputs.length === 0
          ? reply.shell(`mkdir ${file}`)
          : reply.text("Made.");
      }
      if (request.threadId !== thread.id) return undefined;
      const outputs = request.toolOutputs.filter(({ callId }) => callId.includes(`${files}-`));
      if (outputs.length === 0) return reply.spawnAgent("Make it", { callId: `${files}-spawn` });
      if (outputs.length > 1) return reply.text("It is made.");
      const { agent_id: agentId } = JSON.parse(outputs[0]?.output ?? "") as { agent_id: string };
      return reply.waitAgent([agentId], { callId: `${files}-wait` });
    });
    const result = await thread.run("Have it made", handlers);
    model.respond(undefined);
    expect(result).toMatchObject({ status: "completed", finalResponse: "It is made." });
    expect(existsSync(file)).toBe(true);
    expect(contexts.map(({ threadId }) => threadId === thread.id)).toEqual(
      answered.map(() => false),
    );
    return [...answered];
  }

  test("falls to the handlers of its parent's turn, thread, and of the client", async () => {
    const thread = await codex.startThread({
      approvalPolicy: "untrusted",
      ...named("parent thread"),
    });
    expect(await withSubagent(thread, named("parent turn"))).toEqual(["parent turn"]);
    expect(await withSubagent(thread)).toEqual(["parent thread"]);
    const bare = await codex.startThread({ approvalPolicy: "untrusted" });
    expect(await withSubagent(bare)).toEqual(["client"]);
  });
});
