import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import {
  defer,
  type Codex,
  type GoalEventWithOrigin,
  type Thread,
  type TurnEventWithOrigin,
} from "../../lib/index.js";
import { reply, type LoopbackModel, type TextPieces } from "../../lib/testing/index.js";
import { collect } from "../support/collect.js";
import { RealStage, untilSubagentEnded } from "../support/real.js";

let stage: RealStage;
let model: LoopbackModel;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  codex = stage.codex();
});
afterAll(() => stage.close());

/** A thread whose next turn starts a sub-agent that says `text`, waits for it, and then answers. */
async function withSubagent(text: TextPieces): Promise<Thread> {
  const thread = await codex.startThread();
  const gate = untilSubagentEnded(await codex.client(), thread);
  model.respond((request) => {
    if (request.parentThreadId === thread.id) return reply.text(text);
    // The server may tell of the sub-agent's end only now, and asks once more in the same turn.
    const [answer, notice] = request.input.slice(-2);
    const isTold = JSON.stringify(notice).includes("subagent_notification");
    if (isTold && answer?.["role"] === "assistant") return [];
    // The objective of a goal comes as an output, too, though of no call.
    const [spawned, waited] = request.toolOutputs.filter(({ callId }) => callId !== "");
    if (!spawned) return reply.spawnAgent("Look into it.");
    const { agent_id: agentId } = JSON.parse(spawned.output) as { agent_id: string };
    return waited ? [gate, reply.text("The parent's answer.")] : reply.waitAgent([agentId]);
  });
  return thread;
}

test("a goal shows the sub-agents of its turns in its one stream", async () => {
  const thread = await withSubagent("The child's answer.");
  const goal = thread.runGoal("Ask somebody");
  const events: GoalEventWithOrigin[] = [];
  let isAsked = true;
  for await (const event of goal.stream({ subagents: true })) {
    events.push(event);
    if (!isAsked || event.method !== "turn/completed" || event.origin.depth > 0) continue;
    isAsked = false;
    model.respond(undefined);
    model.enqueueFor(thread.id, reply.updateGoal("complete"), reply.text("Reached."));
  }
  expect(texts(events, 0)).toContain("The parent's answer.");
  expect(texts(events, 1)).toBe("The child's answer.");
  const [subagent] = goal.subagents();
  expect(subagent).toMatchObject({ parentThreadId: thread.id, depth: 1 });
  const origins = events.filter(({ origin }) => origin.depth === 1).map(({ origin }) => origin);
  expect(new Set(origins.map(({ threadId }) => threadId))).toEqual(new Set([subagent?.threadId]));
  expect(await goal.run()).toMatchObject({ status: "complete" });
});

function texts(
  events: readonly (TurnEventWithOrigin | GoalEventWithOrigin)[],
  depth: number,
): string {
  return events
    .filter(({ origin }) => origin.depth === depth)
    .map((event) => (event.method === "item/agentMessage/delta" ? event.params.delta : ""))
    .join("");
}

describe("a turn that starts a sub-agent", () => {
  test("is not touched by it: its stream and its result are its own", async () => {
    const thread = await withSubagent("The child's answer.");
    const turn = thread.turn("Ask somebody");
    const events = await collect(turn);
    const result = await turn.run();
    expect(result).toMatchObject({ status: "completed", finalResponse: "The parent's answer." });
    expect(JSON.stringify(events.filter(({ method }) => method.includes("delta")))).not.toContain(
      "child",
    );
    for (const { params } of events) expect(params).toMatchObject({ threadId: thread.id });
    const messages = result.items.filter(({ type }) => type === "agentMessage");
    expect(messages).toHaveLength(1);
  });

  test("shows its sub-agents' events in between when asked, each with its origin", async () => {
    const thread = await withSubagent("The child's answer.");
    const turn = thread.turn("Ask somebody");
    const events = await collect(turn.stream({ subagents: true }));
    expect(texts(events, 0)).toBe("The parent's answer.");
    expect(texts(events, 1)).toBe("The child's answer.");
    const [own] = events;
    expect(own?.origin).toMatchObject({ threadId: thread.id, parentThreadId: null, depth: 0 });
    const child = events.filter(({ origin }) => origin.depth === 1);
    expect(child[0]).toMatchObject({
      method: "turn/started",
      origin: { parentThreadId: thread.id, depth: 1 },
    });
    expect(child.at(-1)?.method).toBe("turn/completed");
    expect(new Set(child.map(({ origin }) => origin.turnId)).size).toBe(1);
    for (const { params, origin } of child) {
      expect(params).toMatchObject({ threadId: origin.threadId });
    }
    expect(events.at(-1)).toMatchObject({ method: "turn/completed", origin: { depth: 0 } });
    expect(await turn.run()).toMatchObject({ finalResponse: "The parent's answer." });
  });

  test("lists them while they work and afterwards, each with its own turns", async () => {
    const gate = reply.hold();
    const thread = await withSubagent(["Half ", gate, "done."]);
    const turn = thread.turn("Ask somebody");
    expect(turn.subagents()).toEqual([]);
    for await (const event of turn.stream({ subagents: true })) {
      if (event.method !== "item/agentMessage/delta" || event.origin.depth !== 1) continue;
      // Behind the gate nothing holds it: it may have ended before its last text is read here.
      if (event.params.delta !== "Half ") continue;
      const [working] = turn.subagents();
      expect(working).toMatchObject({ parentThreadId: thread.id, depth: 1 });
      expect(working?.prompt).toContain("Look into it.");
      expect(working?.turns).toMatchObject([{ status: "inProgress" }]);
      gate.release();
    }
    const [subagent] = turn.subagents();
    expect(subagent?.state?.status).toBe("completed");
    expect(subagent?.turns).toMatchObject([
      { threadId: subagent?.threadId, status: "completed", error: null },
    ]);
    expect(JSON.stringify(subagent?.turns[0]?.items)).toContain("Half done.");
  });

  test("shows what they ask, and when that is over: enough to decide from", async () => {
    const thread = await codex.startThread({
      approvalPolicy: "untrusted",
      onApproval: () => defer(),
    });
    model.respond((request) => {
      if (request.parentThreadId === thread.id) {
        const [made] = request.toolOutputs;
        return made ? reply.text("Made.") : reply.shell("mkdir made");
      }
      const [spawned, waited] = request.toolOutputs;
      if (!spawned) return reply.spawnAgent("Make it.");
      const { agent_id: agentId } = JSON.parse(spawned.output) as { agent_id: string };
      return waited ? reply.text("It is made.") : reply.waitAgent([agentId]);
    });
    const turn = thread.turn("Have it made");
    const seen: [method: string, depth: number][] = [];
    for await (const event of turn.stream({ subagents: true })) {
      if (/request/i.test(event.method)) seen.push([event.method, event.origin.depth]);
      if (event.method !== "item/commandExecution/requestApproval") continue;
      expect(event.params.threadId).toBe(event.origin.threadId);
      expect(codex.pendingRequests()).toMatchObject([{ key: event.key }]);
      codex.respond(event.key, "accept");
    }
    expect(seen).toEqual([
      ["item/commandExecution/requestApproval", 1],
      ["serverRequest/resolved", 1],
    ]);
    expect(existsSync(path.join(stage.project, "made"))).toBe(true);
  });

  test("can be joined by somebody who looks later: nothing of the sub-agents is lost", async () => {
    const thread = await withSubagent("The child's answer.");
    const turn = thread.turn("Ask somebody");
    const done = new Promise<void>((resolve) => {
      void codex.client().then((client) => {
        const stop = client.on("turn/completed", ({ params }) => {
          if (params.threadId !== thread.id) return;
          stop();
          resolve();
        });
      });
    });
    await done;
    const events = await collect(turn.stream({ subagents: true }));
    expect(texts(events, 1)).toBe("The child's answer.");
  });

  test("leaves nothing behind when it is interrupted while they work", async () => {
    const gate = reply.hold();
    const thread = await withSubagent(["Half ", gate, "done."]);
    const turn = thread.turn("Ask somebody");
    for await (const event of turn.stream({ subagents: true })) {
      if (event.method === "item/agentMessage/delta" && event.origin.depth === 1) break;
    }
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
    expect(turn.subagents()).toHaveLength(1);
    gate.release();
    await expect(thread.run("Go on")).resolves.toMatchObject({ status: "completed" });
  });
});
