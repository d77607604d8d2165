import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { InvalidArgumentError, type Codex, type Thread, type Tool } from "../../lib/index.js";
import { reply, type LoopbackModel } from "../../lib/testing/index.js";
import { RealStage, rejection } from "../support/real.js";
import { callTools, lastRequest, tool } from "../support/tools.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
});
afterAll(() => stage.close());

const says = (name: string, answer: string): Tool => tool(name, () => answer);

/** The tools of ours that the model was offered last. */
function offered(thread: Thread): unknown[] {
  const tools = lastRequest(model, thread)?.tools ?? [];
  return tools.filter(({ description }) => /^Does /.test((description ?? "") as string));
}

/** A thread of another client, stored and let go of, whose model has the tool "one". */
async function storedThread(): Promise<string> {
  await using other = stage.codex();
  const thread = await other.startThread({ tools: [says("one", "from the first process")] });
  await expect(callTools(model, thread, ["one"])).resolves.toEqual(["from the first process"]);
  return thread.id;
}

describe("in another process, the model still has the tools of a thread", () => {
  test("and resumeThread gives them back their functions", async () => {
    const id = await storedThread();
    const thread = await codex.resumeThread(id, { tools: [says("one", "from the second")] });
    await expect(callTools(model, thread, ["one"])).resolves.toEqual(["from the second"]);
    expect(offered(thread)).toMatchObject([{ name: "one", description: "Does one" }]);
  });

  test("and thread() does, too", async () => {
    const thread = codex.thread(await storedThread(), { tools: [says("one", "bound")] });
    await expect(callTools(model, thread, ["one"])).resolves.toEqual(["bound"]);
  });

  test("but without their functions a call fails, and the model is told", async () => {
    const thread = await codex.resumeThread(await storedThread());
    const [seen] = await callTools(model, thread, ["one"]);
    expect(seen).toMatch(/does not offer the tool/);
    expect(offered(thread)).toHaveLength(1);
  });

  test("and none can be added or described anew", async () => {
    const renewed = { ...says("one", "renewed"), description: "Does one better" };
    const thread = await codex.resumeThread(await storedThread(), {
      tools: [renewed, says("two", "never")],
    });
    const seen = await callTools(model, thread, ["one"], ["two"]);
    expect(seen).toEqual(["renewed", "unsupported call: two"]);
    expect(offered(thread)).toMatchObject([{ name: "one", description: "Does one" }]);
  });
});

describe("in the same process", () => {
  test("another handle of the thread has its tools, and may bring others of the same names", async () => {
    const thread = await codex.startThread({ tools: [says("one", "first")] });
    await expect(callTools(model, codex.thread(thread.id), ["one"])).resolves.toEqual(["first"]);
    const again = await codex.resumeThread(thread.id, { tools: [says("one", "second")] });
    await expect(callTools(model, again, ["one"])).resolves.toEqual(["second"]);
    await expect(callTools(model, thread, ["one"])).resolves.toEqual(["second"]);
  });

  test("tools that are bound anew do not unload a thread, other changes do and keep them", async () => {
    const client = await stage.client();
    const thread = await client.startThread({ tools: [says("one", "first")] });
    await callTools(model, thread, ["one"]);
    const unloaded: string[] = [];
    const stop = client.on("thread/closed", ({ params }) => unloaded.push(params.threadId));
    await client.resumeThread(thread.id, { tools: [says("one", "second")] });
    await expect(callTools(model, thread, ["one"])).resolves.toEqual(["second"]);
    expect(unloaded).toEqual([]);
    stop();
    const changed = await client.resumeThread(thread.id, { model: "other-model" });
    await expect(callTools(model, changed, ["one"])).resolves.toEqual(["second"]);
    expect(lastRequest(model, changed)?.model).toBe("other-model");
  });

  test("a thread has its tools and handlers when a server that died was replaced, in any handle", async () => {
    const asked: string[] = [];
    const { id } = await codex.startThread({
      tools: [says("one", "still here")],
      approvalPolicy: "untrusted",
      onApproval: ({ type }) => {
        asked.push(type);
        return "accept";
      },
    });
    await expect(callTools(model, codex.thread(id), ["one"])).resolves.toEqual(["still here"]);
    const { closed } = await codex.client();
    for (const pid of await stage.processes()) process.kill(pid, "SIGKILL");
    await closed;
    const thread = codex.thread(id);
    await expect(callTools(model, thread, ["one"])).resolves.toEqual(["still here"]);
    model.enqueueFor(id, reply.shell("touch allowed"), reply.text("Done."));
    await thread.run("Go on");
    expect(asked).toEqual(["command"]);
  });

  test("a thread that was archived and taken back has them when its handle is used", async () => {
    const thread = await codex.startThread({ tools: [says("one", "still here")] });
    await callTools(model, thread, ["one"]);
    await thread.archive();
    await thread.unarchive();
    await expect(callTools(model, thread, ["one"])).resolves.toEqual(["still here"]);
  });

  test("a Codex that had to start again has them when a handle is used", async () => {
    const own = stage.codex();
    const thread = await own.startThread({ tools: [says("one", "still here")] });
    await callTools(model, thread, ["one"]);
    const lost = await own.client();
    await lost.close();
    await expect(callTools(model, thread, ["one"])).resolves.toEqual(["still here"]);
  });
});

describe("a fork", () => {
  test("has the tools of its source, with the same functions or others", async () => {
    const thread = await codex.startThread({ tools: [says("one", "of the source")] });
    await callTools(model, thread, ["one"]);
    const same = await thread.fork();
    const other = await codex.forkThread(thread.id, { tools: [says("one", "of the fork")] });
    await expect(callTools(model, same, ["one"])).resolves.toEqual(["of the source"]);
    await expect(callTools(model, other, ["one"])).resolves.toEqual(["of the fork"]);
    await expect(callTools(model, thread, ["one"])).resolves.toEqual(["of the source"]);
    expect(offered(other)).toMatchObject([{ name: "one" }]);
  });

  test("of a thread of another process is given its functions in the same way", async () => {
    const fork = await codex.forkThread(await storedThread(), { tools: [says("one", "forked")] });
    await expect(callTools(model, fork, ["one"])).resolves.toEqual(["forked"]);
    const bare = await codex.thread(await storedThread(), { tools: [says("one", "bound")] }).fork();
    await expect(callTools(model, bare, ["one"])).resolves.toEqual(["bound"]);
  });

  test("may be resumed later in yet another process", async () => {
    const fork = await codex.forkThread(await storedThread());
    await callTools(model, fork, ["one"]);
    await using other = stage.codex();
    await (await codex.client()).close();
    const thread = await other.resumeThread(fork.id, { tools: [says("one", "resumed")] });
    await expect(callTools(model, thread, ["one"])).resolves.toEqual(["resumed"]);
  });
});

test("a sub-agent is not offered the tools of its parent", async () => {
  const thread = await codex.startThread({ tools: [says("one", "never")] });
  const child = { offered: true, outputs: [""] };
  model.respond((request) => {
    if (request.parentThreadId === thread.id) {
      child.offered = request.tools.some(({ name }) => name === "one");
      child.outputs = request.toolOutputs.map(({ output }) => output);
      return child.outputs.length === 0 ? reply.functionCall("one") : reply.text("I could not.");
    }
    const [spawned, waited] = request.toolOutputs;
    if (!spawned) return reply.spawnAgent("Call one.");
    const { agent_id: agentId } = JSON.parse(spawned.output) as { agent_id: string };
    return waited ? reply.text("So be it.") : reply.waitAgent([agentId]);
  });
  await expect(thread.run("Delegate")).resolves.toMatchObject({ finalResponse: "So be it." });
  model.respond(undefined);
  expect(child).toEqual({ offered: false, outputs: ["unsupported call: one"] });
});

test("wrong lists are refused before anything is sent", async () => {
  const wrong = [says("one", ""), says("one", "")];
  for (const attempt of [
    () => codex.startThread({ tools: wrong }),
    () => codex.resumeThread("some-thread", { tools: wrong }),
    () => codex.forkThread("some-thread", { tools: wrong }),
  ]) {
    expect(await rejection(attempt())).toBeInstanceOf(InvalidArgumentError);
  }
  expect(() => codex.thread("some-thread", { tools: wrong })).toThrow(InvalidArgumentError);
});
