import { stepCountIs } from "ai";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";
import { Codex } from "../../../lib/index.js";
import { reply, type LoopbackModel } from "../../../lib/testing/index.js";
import { addTool, saidIn } from "../../support/ai-model.js";
import { ListeningServer } from "../../support/listening-server.js";
import { rejection } from "../../support/real.js";
import type { FirstHostOptions, LeftSession } from "./first-host.js";
import { HarnessStage, partOf, partsIn, textOf, type SeenPart } from "./harness-stage.js";

let stage: HarnessStage;
let model: LoopbackModel;
let server: ListeningServer;

beforeAll(async () => {
  stage = await HarnessStage.open();
  model = stage.model;
  server = await ListeningServer.start(stage.real);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await stage.close();
});

const said = () => saidIn(model.requests.at(-1)?.input ?? []);
const answer = (part: SeenPart, approved: boolean) => ({
  toolApprovalContinuations: [
    { type: "tool-approval-response" as const, approvalId: String(part["approvalId"]), approved },
  ],
});

async function untilIdle(codex: Codex): Promise<void> {
  while (codex.runningTurns.length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
}

/** A state as it comes back from a database. */
const stored = <State>(state: State): State => JSON.parse(JSON.stringify(state)) as State;

describe("in the same process", () => {
  test("a turn that was suspended goes on where it was, without a gap and without anything twice", async () => {
    const gate = reply.hold();
    model.enqueue(
      [reply.text("First. "), reply.shell("echo out")],
      reply.text(["Second, ", gate, "to its end."]),
    );
    const agent = stage.agent();
    const session = await agent.createSession();
    const result = await agent.stream({ session, prompt: "Go" });
    const reading = partsIn(result);
    await gate.reached;
    // What has come is read before the turn is suspended.
    const state = stored(await session.suspendTurn());
    const before = await reading;
    gate.release();
    const { sessionId } = session;
    const again = await agent.createSession({ sessionId, continueFrom: state });
    const after = await partsIn(await agent.continueStream({ session: again }));
    expect(textOf([...before, ...after])).toBe("First. Second, to its end.");
    expect(again.isResume).toBe(true);
    await again.destroy();
  });

  test("a turn that meets a stop condition goes on with the next step, whole", async () => {
    model.enqueue(
      [reply.text("First. "), reply.shell("echo out")],
      [reply.text(["Second, ", "in pieces. "]), reply.shell("echo again")],
      reply.text("Third."),
    );
    const agent = stage.agent({ stopWhen: stepCountIs(1) as never });
    const session = await agent.createSession();
    const texts = [(await agent.generate({ session, prompt: "Go" })).text];
    while (session.hasUnfinishedTurn()) {
      texts.push((await agent.continueGenerate({ session })).text);
    }
    expect(texts).toEqual(["First. ", "Second, in pieces. ", "Third."]);
    await session.destroy();
  });

  test("a turn that ends before its stop condition is known to be met is told to its end", async () => {
    model.enqueue([reply.text("First. "), reply.shell("echo out")], reply.text("Second."));
    const isOver = async () => {
      await untilIdle(stage.codex);
      return true;
    };
    const agent = stage.agent({ stopWhen: isOver as never });
    const session = await agent.createSession();
    const first = await agent.generate({ session, prompt: "Go" });
    expect(session.hasUnfinishedTurn()).toBe(true);
    const second = await agent.continueGenerate({ session });
    expect([first.text, second.text]).toEqual(["First. ", "Second."]);
    expect(second.finishReason).toBe("stop");
    expect(session.hasUnfinishedTurn()).toBe(false);
    await session.destroy();
  });

  test("a turn that fails before its stop condition is known to be met fails when it goes on", async () => {
    model.enqueue(
      [reply.text("First. "), reply.shell("echo out")],
      reply.http(400, "no such thing"),
    );
    const isOver = async () => {
      await untilIdle(stage.codex);
      return true;
    };
    const agent = stage.agent({ stopWhen: isOver as never });
    const session = await agent.createSession();
    expect((await agent.generate({ session, prompt: "Go" })).text).toBe("First. ");
    expect(session.hasUnfinishedTurn()).toBe(true);
    expect(String(await rejection(agent.continueGenerate({ session })))).toMatch(/no such thing/);
    await session.destroy();
  });

  test("a session goes on behind detach and behind stop, with the same thread", async () => {
    for (const way of ["detach", "stop"] as const) {
      const agent = stage.agent();
      const session = await agent.createSession();
      await agent.generate({ session, prompt: "first" });
      const state = stored(await session[way]());
      const { sessionId } = session;
      const again = await agent.createSession({ sessionId, resumeFrom: state });
      await agent.generate({ session: again, prompt: "second" });
      expect(said()).toEqual(expect.arrayContaining(["user first", "user second"]));
      await again.destroy();
    }
  });

  test("a session that was detached while it asks is asked the same once more", async () => {
    const agent = stage.agent({ permissionMode: "allow-reads" });
    const session = await agent.createSession();
    model.enqueue(reply.shell("touch asked"), reply.text("Touched."));
    const asked = partOf(
      await partsIn(await agent.stream({ session, prompt: "Go" })),
      "tool-approval-request",
    );
    const state = stored(await session.detach());
    const { sessionId } = session;
    const again = await agent.createSession({ sessionId, resumeFrom: state });
    const once = await partsIn(await agent.continueStream({ session: again }));
    expect(partOf(once, "tool-approval-request")["approvalId"]).toBe(asked["approvalId"]);
    const rest = await partsIn(
      await agent.continueStream({ session: again, ...answer(asked, true) }),
    );
    expect(textOf(rest)).toBe("Touched.");
    expect(existsSync(path.join(stage.directoryOf(again), "asked"))).toBe(true);
    await again.destroy();
  });

  test("destroying a session stops its turn", async () => {
    const gate = reply.hold();
    model.enqueue(reply.text(["On and on", gate]));
    const agent = stage.agent();
    const session = await agent.createSession();
    const result = await agent.stream({ session, prompt: "Go" });
    const reading = partsIn(result);
    await gate.reached;
    expect(stage.codex.runningTurns).toHaveLength(1);
    await session.destroy();
    expect(stage.codex.runningTurns).toHaveLength(0);
    gate.release();
    expect(partOf(await reading, "error")["error"]).toMatchObject({
      message: "The session was destroyed.",
    });
  });

  test("a session without a prompt has a state, too", async () => {
    const agent = stage.agent();
    const session = await agent.createSession();
    const state = stored(await session.detach());
    const { sessionId } = session;
    const again = await agent.createSession({ sessionId, resumeFrom: state });
    expect((await agent.generate({ session: again, prompt: "first" })).finishReason).toBe("stop");
    await again.destroy();
  });

  test("a state of another shape, and one whose thread is gone, are refused", async () => {
    const agent = stage.agent();
    const base = { type: "resume-session", harnessId: "codex", specificationVersion: "harness-v1" };
    const told = { instructions: "", skills: "", tools: {} };
    const gone = "01a231cd-0000-7000-a000-000000000000";
    for (const [data, problem] of [
      [{ threadId: 7 }, "threadId must be the id of a thread, or null"],
      [{ threadId: gone, told: { instructions: "" } }, "told must have instructions"],
      [{ threadId: gone, told, turn: { id: "turn" } }, "turn must have id, calls"],
      [{ threadId: gone, told, compactions: [{ tokensBefore: "many" }] }, "compactions must be"],
      [{ threadId: "../../etc", told }, "thread"],
      [{ threadId: gone, told }, gone],
    ] as const) {
      const resumeFrom = { ...base, data } as never;
      const refused = await rejection(agent.createSession({ sessionId: "s", resumeFrom }));
      expect(refused.message).toContain(problem);
    }
  });
});

describe("over another connection, on a server that both reach", () => {
  let first: Codex;
  let second: Codex;
  beforeEach(() => {
    first = new Codex({ url: server.url });
    second = new Codex({ url: server.url });
  });

  test("a turn goes on: what the first has told is not told again, and what it asked is answered", async () => {
    await using one = first;
    await using two = second;
    const settings = { permissionMode: "allow-reads" as const };
    const agent = stage.agent({ codex: one, ...settings });
    const session = await agent.createSession();
    model.enqueue(
      [reply.text("I touch it. "), reply.shell("touch marker; echo touched")],
      reply.text("Done."),
    );
    const parts = await partsIn(await agent.stream({ session, prompt: "Go" }));
    const asked = partOf(parts, "tool-approval-request");
    const state = stored(await session.suspendTurn());
    await one.close();

    const other = stage.agent({ codex: two, ...settings });
    const { sessionId } = session;
    const again = await other.createSession({ sessionId, continueFrom: state });
    const result = await other.continueStream({ session: again, ...answer(asked, true) });
    const rest = await partsIn(result);
    expect(textOf(parts)).toBe("I touch it. ");
    expect(textOf(rest)).toBe("Done.");
    expect(await result.text).toBe("Done.");
    expect(partOf(rest, "tool-result")).toMatchObject({
      toolName: "bash",
      output: { output: "touched\n" },
    });
    expect(existsSync(path.join(stage.directoryOf(again), "marker"))).toBe(true);
    await again.destroy();
  });

  test("a turn that asks is asked once more, under the same id, when nobody has answered", async () => {
    await using one = first;
    await using two = second;
    const settings = { permissionMode: "allow-reads" as const };
    const agent = stage.agent({ codex: one, ...settings });
    const session = await agent.createSession();
    model.enqueue(reply.shell("touch never"), reply.text("Not done."));
    const parts = await partsIn(await agent.stream({ session, prompt: "Go" }));
    const asked = partOf(parts, "tool-approval-request");
    const state = stored(await session.suspendTurn());
    await one.close();

    const other = stage.agent({ codex: two, ...settings });
    const { sessionId } = session;
    const again = await other.createSession({ sessionId, continueFrom: state });
    const once = await partsIn(await other.continueStream({ session: again }));
    expect(partOf(once, "tool-approval-request")["approvalId"]).toBe(asked["approvalId"]);
    const result = await other.continueStream({ session: again, ...answer(asked, false) });
    const rest = await partsIn(result);
    expect(textOf(rest)).toBe("Not done.");
    expect(rest.map(({ type }) => type)).not.toContain("tool-result");
    expect(existsSync(path.join(stage.directoryOf(again), "never"))).toBe(false);
    await again.destroy();
  });

  test("text that was told in part comes to its end", async () => {
    await using one = first;
    await using two = second;
    const gate = reply.hold();
    model.enqueue(reply.text(["Half ", gate, "and whole."]));
    const agent = stage.agent({ codex: one });
    const session = await agent.createSession();
    const result = await agent.stream({ session, prompt: "Go" });
    const seen: SeenPart[] = [];
    let state: unknown;
    for await (const part of result.fullStream) {
      seen.push(part);
      if (part.type === "text-delta" && state === undefined) {
        state = stored(await session.suspendTurn());
      }
    }
    await one.close();
    const other = stage.agent({ codex: two });
    const { sessionId } = session;
    const again = await other.createSession({ sessionId, continueFrom: state as never });
    const continued = await other.continueStream({ session: again });
    gate.release();
    const rest = await partsIn(continued);
    expect(textOf(seen)).toBe("Half ");
    expect(textOf(rest)).toBe("and whole.");
    expect(partOf(rest, "finish")).toMatchObject({ finishReason: "stop" });
    await again.destroy();
  });

  test("a call of the caller's tool that was open is carried out there", async () => {
    await using one = first;
    await using two = second;
    const { execute: _, ...page } = addTool();
    const agent = stage.agent({ codex: one, tools: { add: page } as never });
    const session = await agent.createSession();
    model.enqueue(reply.functionCall("add", { a: 1, b: 2 }), reply.text("Three."));
    const parts = await partsIn(await agent.stream({ session, prompt: "Add" }));
    const call = partOf(parts, "tool-call");
    const state = stored(await session.suspendTurn());
    await one.close();
    const other = stage.agent({ codex: two, tools: { add: page } as never });
    const { sessionId } = session;
    const again = await other.createSession({ sessionId, continueFrom: state });
    const result = await other.continueStream({
      session: again,
      toolResultContinuations: [
        {
          type: "tool-result",
          toolCallId: String(call["toolCallId"]),
          toolName: "add",
          output: { type: "text", value: "3" },
        },
      ],
    });
    expect(textOf(await partsIn(result))).toBe("Three.");
    expect(JSON.stringify(model.requests.at(-1)?.toolOutputs)).toContain('"3"');
    await again.destroy();
  });

  test("a turn that met a stop condition there goes on with the next step, whole", async () => {
    await using one = first;
    await using two = second;
    const gate = reply.hold();
    model.enqueue(
      [reply.text("First. "), reply.shell("echo out")],
      reply.text(["Second, ", gate, "and whole."]),
    );
    // By then, this process was told of the second step.
    const isSecond = async () => {
      await gate.reached;
      return true;
    };
    const agent = stage.agent({ codex: one, stopWhen: isSecond as never });
    const session = await agent.createSession();
    const { text } = await agent.generate({ session, prompt: "Go" });
    const state = stored(await session.suspendTurn());
    await one.close();
    gate.release();
    const other = stage.agent({ codex: two });
    const { sessionId } = session;
    const again = await other.createSession({ sessionId, continueFrom: state });
    const rest = textOf(await partsIn(await other.continueStream({ session: again })));
    expect([text, rest]).toEqual(["First. ", "Second, and whole."]);
    await again.destroy();
  });

  test("what somebody else has answered goes on, and is told to whoever goes on here", async () => {
    await using one = first;
    await using two = second;
    const agent = stage.agent({ codex: one, permissionMode: "allow-reads" });
    const session = await agent.createSession();
    model.enqueue(reply.shell("echo allowed"), reply.text("Done."));
    const parts = await partsIn(await agent.stream({ session, prompt: "Go" }));
    const asked = partOf(parts, "tool-approval-request");
    const [running] = one.runningTurns;
    if (running?.turnId === undefined) throw new Error("There is no turn.");
    const other = two.thread(running.threadId, { onApproval: "accept" });
    await other.attachTurn({ id: running.turnId }).run();
    await untilIdle(one);
    const result = await agent.continueStream({ session, ...answer(asked, false) });
    const rest = await partsIn(result);
    expect(partOf(rest, "tool-result")).toMatchObject({ output: { output: "allowed\n" } });
    expect(textOf(rest)).toBe("Done.");
    expect(rest.filter(({ type }) => type === "finish")).toHaveLength(1);
    await session.destroy();
  });

  test("two that go on with the same state both come to its end, and the first answer counts", async () => {
    await using one = first;
    await using two = second;
    await using three = new Codex({ url: server.url });
    const settings = { permissionMode: "allow-reads" as const };
    const agent = stage.agent({ codex: one, ...settings });
    const session = await agent.createSession();
    model.enqueue(reply.shell("echo once >> both"), reply.text("Done."));
    const parts = await partsIn(await agent.stream({ session, prompt: "Go" }));
    const asked = partOf(parts, "tool-approval-request");
    const continueFrom = stored(await session.suspendTurn());
    await one.close();
    const { sessionId } = session;
    const others = await Promise.all(
      [two, three].map(async (codex) => {
        const other = stage.agent({ codex, ...settings });
        const again = await other.createSession({ sessionId, continueFrom });
        const once = await partsIn(await other.continueStream({ session: again }));
        expect(partOf(once, "tool-approval-request")["approvalId"]).toBe(asked["approvalId"]);
        return { other, again };
      }),
    );
    for (const [index, { other, again }] of others.entries()) {
      const given = { session: again, ...answer(asked, index === 0) };
      expect(textOf(await partsIn(await other.continueStream(given)))).toBe("Done.");
      expect(again.hasUnfinishedTurn()).toBe(false);
    }
    const [{ again }] = others as [(typeof others)[number]];
    expect(readFileSync(path.join(stage.directoryOf(again), "both"), "utf8")).toBe("once\n");
    for (const { again: each } of others) await each.destroy();
  });

  test("a turn that has ended meanwhile is told from what is stored", async () => {
    await using one = first;
    await using two = second;
    const gate = reply.hold();
    model.enqueue(reply.text(["Half ", gate, "and whole."]));
    const agent = stage.agent({ codex: one });
    const session = await agent.createSession();
    const result = await agent.stream({ session, prompt: "Go" });
    const reading = partsIn(result);
    await gate.reached;
    const state = stored(await session.suspendTurn());
    const seen = textOf(await reading);
    gate.release();
    await untilIdle(one);
    await one.close();
    const other = stage.agent({ codex: two });
    const { sessionId } = session;
    const again = await other.createSession({ sessionId, continueFrom: state });
    const rest = await partsIn(await other.continueStream({ session: again }));
    expect(seen + textOf(rest)).toBe("Half and whole.");
    expect(partOf(rest, "finish")).toMatchObject({ finishReason: "stop" });
    await again.destroy();
  });
});

describe("in another process", () => {
  const { execute: _, ...add } = addTool();
  const tools = { add } as never;

  /** Runs the first host until the turn asks something, and kills it. */
  async function leaveBehind(): Promise<LeftSession> {
    const agentModule = createRequire(
      path.resolve(import.meta.dirname, "../../../.cache/ai-7/package.json"),
    ).resolve("@ai-sdk/harness/agent");
    const options: FirstHostOptions = {
      ...{ agentModule: pathToFileURL(agentModule).href, url: server.url },
      directory: stage.real.project,
    };
    const host = path.resolve(import.meta.dirname, "first-host.ts");
    const args = ["--import", "tsx", host, JSON.stringify(options)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const exited = once(child, "exit");
    try {
      for await (const line of createInterface({ input: child.stdout })) {
        return JSON.parse(line) as LeftSession;
      }
      throw new Error("It has left nothing.");
    } finally {
      child.kill("SIGKILL");
      await exited;
    }
  }

  test("an approval that was asked in one that was killed is answered", async () => {
    model.enqueue([reply.text("I try. "), reply.shell("touch killed")], reply.text("Touched."));
    const { sessionId, state, parts } = await leaveBehind();
    await using codex = new Codex({ url: server.url });
    const agent = stage.agent({ codex, permissionMode: "allow-reads", tools });
    const session = await agent.createSession({ sessionId, continueFrom: state as never });
    const asked = partOf(parts, "tool-approval-request");
    const rest = await partsIn(await agent.continueStream({ session, ...answer(asked, true) }));
    expect([textOf(parts), textOf(rest)]).toEqual(["I try. ", "Touched."]);
    expect(existsSync(path.join(stage.directoryOf(session), "killed"))).toBe(true);
    await session.destroy();
  });

  test("a call of a tool that was made in one that was killed is carried out", async () => {
    model.enqueue(reply.functionCall("add", { a: 1, b: 2 }), reply.text("Three."));
    const { sessionId, state, parts } = await leaveBehind();
    await using codex = new Codex({ url: server.url });
    const agent = stage.agent({ codex, tools });
    const session = await agent.createSession({ sessionId, continueFrom: state as never });
    const toolCallId = String(partOf(parts, "tool-call")["toolCallId"]);
    const output = { type: "text" as const, value: "3" };
    const given = { type: "tool-result" as const, toolCallId, toolName: "add", output };
    const result = await agent.continueStream({ session, toolResultContinuations: [given] });
    expect(textOf(await partsIn(result))).toBe("Three.");
    expect(JSON.stringify(model.requests.at(-1)?.toolOutputs)).toContain('"3"');
    await session.destroy();
  });
});

test("a turn whose server was ended with its process is told as interrupted, and the session goes on", async () => {
  const gate = reply.hold();
  model.enqueue(reply.text(["Half ", gate]));
  const one = stage.real.codex();
  const agent = stage.agent({ codex: one });
  const session = await agent.createSession();
  const reading = partsIn(await agent.stream({ session, prompt: "Go" }));
  await gate.reached;
  const state = stored(await session.suspendTurn());
  await reading;
  await one.close();
  gate.release();
  const other = stage.agent({ codex: stage.real.codex() });
  const { sessionId } = session;
  const again = await other.createSession({ sessionId, continueFrom: state });
  const rest = await partsIn(await other.continueStream({ session: again }));
  expect(partOf(rest, "finish")).toMatchObject({
    finishReason: "other",
    rawFinishReason: "interrupted",
  });
  model.enqueue(reply.text("On."));
  expect((await other.generate({ session: again, prompt: "Go on" })).text).toBe("On.");
  await again.destroy();
});
