import { randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import {
  Codex,
  defer,
  type AppServerClient,
  type RequestContext,
  type Thread,
  type Turn,
  type TurnEvent,
} from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { collect } from "../support/collect.js";
import { ListeningServer } from "../support/listening-server.js";
import { RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let server: ListeningServer;

beforeAll(async () => {
  stage = await RealStage.open();
  server = await ListeningServer.start(stage);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await stage.close();
});

/** A handler that leaves every approval open, and what it was asked. */
function deferring() {
  const asked: RequestContext[] = [];
  let wake: () => void = () => undefined;
  const first = new Promise<void>((resolve) => (wake = resolve));
  const onApproval = (_: unknown, context: RequestContext) => {
    asked.push(context);
    wake();
    return defer();
  };
  return { asked, first, onApproval };
}

interface Begun {
  readonly client: AppServerClient;
  readonly thread: Thread;
  readonly turn: Turn;
  readonly messageId: string;
}

/** A client of the server with a turn that has begun. */
async function begin(options: Parameters<AppServerClient["startThread"]>[0] = {}): Promise<Begun> {
  const client = await server.connect();
  const thread = await client.startThread({ cwd: stage.project, ...options });
  const messageId = randomUUID();
  const turn = thread.turn("Begin", { clientUserMessageId: messageId, onBreak: "detach" });
  // It is another client that waits for its end.
  turn.run().catch(() => undefined);
  return { client, thread, turn, messageId };
}

const methodsOf = (events: readonly TurnEvent[]) => events.map(({ method }) => method);
const sent = () => stage.model.requests.length;

describe("a turn whose client is gone", () => {
  test("is found by its message, asks its approval again, under the same key, and is followed to its end", async () => {
    const marker = path.join(stage.project, "approved");
    const left = deferring();
    const client = await server.connect();
    const thread = await client.startThread({ cwd: stage.project, approvalPolicy: "untrusted" });
    const gate = reply.hold();
    stage.model.enqueueFor(
      thread.id,
      [reply.commentary("Let me touch it."), reply.shell(`touch ${marker}`)],
      reply.text(["Touched", gate, " it."]),
    );
    const messageId = randomUUID();
    const { onApproval } = left;
    const begun = thread.turn("Touch it", { clientUserMessageId: messageId, onApproval });
    begun.run().catch(() => undefined);
    await left.first;
    await client.close();

    const next = await server.connect();
    const asked: RequestContext[] = [];
    const turn = next.thread(thread.id).attachTurn(
      { clientUserMessageId: messageId },
      {
        onApproval: (_, context) => {
          asked.push(context);
          return "accept";
        },
      },
    );
    const events = collect(turn);
    await gate.reached;
    expect(existsSync(marker)).toBe(true);
    gate.release();
    const result = await turn.run();
    expect(result).toMatchObject({
      id: begun.id,
      status: "completed",
      finalResponse: "Touched it.",
    });
    expect(result.items.map(({ type }) => type)).toEqual([
      "userMessage",
      "agentMessage",
      "commandExecution",
      "agentMessage",
    ]);
    expect(result.startedAt).toEqual(expect.any(Number));
    expect(asked.map(({ key }) => key)).toEqual(left.asked.map(({ key }) => key));
    expect(asked[0]?.requestId).toBe(left.asked[0]?.requestId);
    const methods = methodsOf(await events);
    expect(methods.slice(0, 4)).toEqual([
      "turn/started",
      "connection/gap",
      "item/completed",
      "item/completed",
    ]);
    expect(methods.at(-1)).toBe("turn/completed");
    expect(methods.filter((method) => method === "turn/started")).toHaveLength(1);
  });

  test("is steered and interrupted through the handle", async () => {
    const gate = reply.hold();
    const { client, thread, turn } = await begin();
    stage.model.enqueueFor(thread.id, reply.text(["Half", gate]));
    const { id } = await turn.started;
    await gate.reached;
    await client.close();
    const other = await server.connect();
    const attached = other.thread(thread.id).attachTurn({ id });
    const second = reply.hold();
    stage.model.enqueueFor(thread.id, reply.text(["Something", second]));
    expect(await attached.steer("Something else")).toBe(id);
    gate.release();
    await second.reached;
    await attached.interrupt();
    second.release();
    expect(await attached.run()).toMatchObject({ id, status: "interrupted" });
  });

  test("is interrupted by a handle that has not found it yet, and by its signal", async () => {
    for (const way of ["interrupt", "signal"] as const) {
      const gate = reply.hold();
      const { client, thread, turn } = await begin();
      stage.model.enqueueFor(thread.id, reply.text(["Half", gate]));
      const { id } = await turn.started;
      await gate.reached;
      await client.close();
      const other = await server.connect();
      const abort = new AbortController();
      const attached = other.thread(thread.id).attachTurn({ id }, { signal: abort.signal });
      if (way === "interrupt") {
        await attached.interrupt();
        expect((await attached.run()).status).toBe("interrupted");
      } else {
        abort.abort(new Error("no longer wanted"));
        await expect(attached.run()).rejects.toThrow("no longer wanted");
      }
      gate.release();
      const [last] = (await other.thread(thread.id).turns()).data;
      expect(last).toMatchObject({ id, status: "interrupted" });
    }
  });

  test("runs on when a client that is attached to it is closed, drained or not", async () => {
    const gate = reply.hold();
    const { client, thread, turn } = await begin();
    stage.model.enqueueFor(thread.id, reply.text(["On", gate, " it goes."]));
    const { id } = await turn.started;
    await gate.reached;
    await using codex = new Codex({ url: server.url });
    const attached = codex.thread(thread.id).attachTurn({ id });
    await attached.started;
    await codex.close({ drainMs: Infinity });
    expect(await rejection(attached.run())).toMatchObject({ code: "TRANSPORT_CLOSED" });
    gate.release();
    expect(await client.thread(thread.id).attachTurn({ id }).run()).toMatchObject({
      status: "completed",
      finalResponse: "On it goes.",
    });
  });

  test("may be a review", async () => {
    const client = await server.connect();
    const thread = await client.startThread({ cwd: stage.project });
    const gate = reply.hold();
    stage.model.enqueueFor(
      ({ subagent, parentThreadId }) => subagent === "review" && parentThreadId === thread.id,
      reply.text(["Nothing", gate, " to complain about."]),
    );
    const review = thread.review({ type: "custom", instructions: "Look at everything." });
    review.run().catch(() => undefined);
    const { id } = await review.started;
    await gate.reached;
    await client.close();
    const other = await server.connect();
    const attached = other.thread(thread.id).attachTurn({ id });
    const events = collect(attached);
    await attached.started;
    gate.release();
    const result = await attached.run();
    expect(result).toMatchObject({ id, status: "completed" });
    expect(result.finalResponse).toContain("Nothing to complain about.");
    expect(methodsOf(await events).at(0)).toBe("turn/started");
    const again = await other.thread(thread.id).attachTurn({ id }).run();
    expect(again.finalResponse).toBe(result.finalResponse);
  });

  test("asks on behalf of its sub-agents, too", async () => {
    const marker = path.join(stage.project, "by-agent");
    const left = deferring();
    const { onApproval } = left;
    const { client, thread, turn, messageId } = await begin({
      approvalPolicy: "untrusted",
      onApproval,
    });
    stage.model.respond((request) => {
      if (request.parentThreadId === thread.id) {
        return request.toolOutputs.length > 0
          ? reply.text("Touched.")
          : reply.shell(`touch ${marker}`);
      }
      const [spawned, waited] = request.toolOutputs.filter(({ callId }) => callId !== "");
      if (!spawned) return reply.spawnAgent("Touch the file");
      const { agent_id: agentId } = JSON.parse(spawned.output) as { agent_id: string };
      return waited ? reply.text("All done.") : reply.waitAgent([agentId]);
    });
    const { id } = await turn.started;
    await left.first;
    await client.close();
    const other = await server.connect();
    const asked: RequestContext[] = [];
    const attached = other.thread(thread.id).attachTurn(
      { clientUserMessageId: messageId },
      {
        onApproval: (_, context) => {
          asked.push(context);
          return "accept";
        },
      },
    );
    expect(await attached.run()).toMatchObject({ id, status: "completed" });
    expect(asked.map(({ key }) => key)).toEqual(left.asked.map(({ key }) => key));
    expect(asked).toHaveLength(1);
    expect(asked[0]?.threadId).not.toBe(thread.id);
    expect(existsSync(marker)).toBe(true);
    stage.model.respond(undefined);
  });
});

describe("two handles at once", () => {
  test("of one client and of another follow the turn, and it runs once", async () => {
    const gate = reply.hold();
    const { client, thread, turn, messageId } = await begin();
    stage.model.enqueueFor(thread.id, reply.text(["One", gate, " only."]));
    const { id } = await turn.started;
    await gate.reached;
    const before = sent();
    const other = await server.connect();
    const handles = [
      client.thread(thread.id).attachTurn({ clientUserMessageId: messageId }),
      client.thread(thread.id).attachTurn({ id }),
      other.thread(thread.id).attachTurn({ clientUserMessageId: messageId }),
    ];
    await Promise.all(handles.map(({ started }) => started));
    const events = handles.map((handle) => collect(handle));
    gate.release();
    for (const handle of handles) {
      expect(await handle.run()).toMatchObject({ id, finalResponse: "One only." });
    }
    for (const each of await Promise.all(events)) {
      expect(methodsOf(each)[0]).toBe("turn/started");
      expect(methodsOf(each).filter((method) => method === "turn/completed")).toHaveLength(1);
    }
    expect(await turn.run()).toMatchObject({ finalResponse: "One only." });
    expect(sent()).toBe(before);
    expect(await thread.turns().all()).toHaveLength(1);
  });
});

describe("a turn that has ended", () => {
  test("is told from what is stored", async () => {
    const { client, thread, turn, messageId } = await begin();
    stage.model.enqueueFor(thread.id, reply.text("Done."));
    const ended = await turn.run();
    await client.close();
    const other = await server.connect();
    for (const name of [{ id: ended.id }, { clientUserMessageId: messageId }]) {
      const attached = other.thread(thread.id).attachTurn(name);
      const events = await collect(attached);
      expect(methodsOf(events)).toEqual([
        "turn/started",
        "item/completed",
        "item/completed",
        "turn/completed",
      ]);
      const result = await attached.run();
      const { id, status, items, finalResponse, startedAt, completedAt, error } = ended;
      expect(result).toMatchObject({
        id,
        status,
        items,
        finalResponse,
        startedAt,
        completedAt,
        error,
      });
      expect(result.usage).toBeNull();
      await expect(attached.steer("More")).rejects.toMatchObject({ code: "TURN_NOT_ACTIVE" });
      await attached.interrupt();
    }
  });

  test("gives its error when it failed, and its output by the schema", async () => {
    const { thread, turn } = await begin();
    stage.model.enqueueFor(thread.id, reply.failed("no luck"));
    const failed = await turn.run({ throwOnFailure: false });
    const other = await server.connect();
    const attached = other.thread(thread.id).attachTurn({ id: failed.id });
    expect(await rejection(attached.run())).toMatchObject({ code: "TURN_FAILED" });
    expect((await attached.run({ throwOnFailure: false })).error).toEqual(failed.error);

    const properties = { name: { type: "string" } };
    const outputSchema = { type: "object", properties, required: ["name"] };
    stage.model.enqueueFor(thread.id, reply.text('{"name":"Ann"}'));
    const { id } = await thread.run("Who?", { outputSchema });
    const again = other.thread(thread.id).attachTurn({ id }, { outputSchema });
    expect((await again.run()).output).toEqual({ name: "Ann" });
  });

  test("of a server that was killed is interrupted", async () => {
    const gate = reply.hold();
    const { thread, turn, messageId } = await begin();
    stage.model.enqueueFor(thread.id, reply.text(["Half", gate]));
    await gate.reached;
    const { id } = await turn.started;
    await server.restart();
    gate.release();
    const other = await server.connect();
    const attached = other.thread(thread.id).attachTurn({ clientUserMessageId: messageId });
    expect(await attached.run()).toMatchObject({ id, status: "interrupted", completedAt: null });
    expect(await other.loadedThreads().all()).not.toContain(thread.id);
  });
});

describe("what the server has not stored", () => {
  test("is not found, and nothing is started for it", async () => {
    const { client, thread, turn } = await begin();
    stage.model.enqueueFor(thread.id, reply.text("Done."));
    await turn.run();
    const before = sent();
    for (const name of [{ id: randomUUID() }, { clientUserMessageId: randomUUID() }]) {
      const attached = client.thread(thread.id).attachTurn(name);
      expect(await rejection(attached.run())).toMatchObject({ code: "TURN_NOT_FOUND" });
      expect(await rejection(attached.started)).toMatchObject({ code: "TURN_NOT_FOUND" });
      expect(await rejection(collect(attached))).toMatchObject({ code: "TURN_NOT_FOUND" });
    }
    expect(sent()).toBe(before);
    expect(await thread.turns().all()).toHaveLength(1);
  });

  test("is not found on a thread without turns, one that does not exist, nor beside a turn that runs", async () => {
    const client = await server.connect();
    const empty = await client.startThread({ cwd: stage.project });
    const gate = reply.hold();
    const { thread } = await begin();
    stage.model.enqueueFor(thread.id, reply.text(["Busy", gate]));
    await gate.reached;
    for (const id of [empty.id, randomUUID(), thread.id]) {
      const attached = client.thread(id).attachTurn({ clientUserMessageId: randomUUID() });
      expect(await rejection(attached.run())).toMatchObject({ code: "TURN_NOT_FOUND" });
    }
    gate.release();
  });
});
