import { describe, expect, test } from "@jest/globals";
import { setImmediate as nextRound } from "node:timers/promises";
import {
  Codex,
  InvalidArgumentError,
  SlowConsumerError,
  type AppServerClient,
  type Turn,
  type TurnEvent,
} from "../../../lib/index.js";
import { collect, rejection } from "../../support/collect.js";
import { linked, type LinkedServer } from "../../support/linked-server.js";
import {
  turnCompleted,
  turnRecord,
  turnStarted,
  type Message,
} from "../../support/turn-messages.js";

const maxTotalBacklogBytes = 100_000;

interface Stage {
  readonly client: AppServerClient;
  readonly server: LinkedServer;
}

interface Accepted {
  readonly turn: Turn;
  readonly ids: { readonly threadId: string; readonly turnId: string };
}

async function acceptedTurn({ client, server }: Stage): Promise<Accepted> {
  server.handle("turn/start", ({ threadId }) => ({
    turn: turnRecord(`turn-of-${String(threadId)}`),
  }));
  const thread = await client.startThread();
  const turn = thread.turn("Hi");
  const { id } = await turn.started;
  return { turn, ids: { threadId: thread.id, turnId: id } };
}

function big(ids: Accepted["ids"], bytes: number, method = "item/novel"): Message {
  return { method, params: { ...ids, text: "x".repeat(bytes) } };
}

/** Resolves when the client has read all that was sent up to here. */
function untilHere({ client, server }: Stage): Promise<void> {
  const here = new Promise<void>((resolve) => {
    const stop = client.on("deprecationNotice", () => {
      stop();
      resolve();
    });
  });
  server.notify("deprecationNotice", { summary: "here", details: null });
  return here;
}

describe("what waits for all consumers of a client", () => {
  test("is bounded: the turn that lags furthest behind is cut off, and has its result", async () => {
    await using stage = await linked({ maxTotalBacklogBytes });
    const { server } = stage;
    const [one, other] = [await acceptedTurn(stage), await acceptedTurn(stage)];
    server.send(turnStarted(one.ids), turnStarted(other.ids));
    server.send(big(one.ids, 60_000), big(other.ids, 30_000), big(other.ids, 20_000));
    server.send(turnCompleted(one.ids), turnCompleted(other.ids));
    const [events, others] = [one.turn.stream(), other.turn.stream()];
    await other.turn.run();
    const error = await rejection(collect(events));
    expect(error).toBeInstanceOf(SlowConsumerError);
    expect((error as Error).message).toContain("maxTotalBacklogBytes");
    expect((error as Error).message).toContain("100000 bytes");
    expect((await one.turn.run()).status).toBe("completed");
    expect(await collect(others)).toHaveLength(4);
  });

  test.each<[string, (stage: Stage, accepted: Accepted) => AsyncIterator<unknown>]>([
    ["all notifications", ({ client }) => client.notifications()],
    ["one kind of them", ({ client }) => client.mcp.startups()],
  ])("includes %s, whose iteration is cut off when it holds most", async (_name, follow) => {
    await using stage = await linked({ maxTotalBacklogBytes });
    const { server } = stage;
    const accepted = await acceptedTurn(stage);
    const iterator = follow(stage, accepted);
    await nextRound();
    server.send(turnStarted(accepted.ids), big(accepted.ids, 20_000));
    for (let count = 0; count < 4; count += 1) {
      const params = { name: "docs", status: "starting", error: "x".repeat(20_000) };
      server.notify("mcpServer/startupStatus/updated", params);
    }
    server.notify("mcpServer/startupStatus/updated", { name: "docs", error: "x".repeat(20_000) });
    server.send(turnCompleted(accepted.ids));
    await untilHere(stage);
    expect(await rejection(iterator.next())).toBeInstanceOf(SlowConsumerError);
    expect(await collect(accepted.turn)).toHaveLength(3);
  });

  test("includes the output of commands", async () => {
    await using stage = await linked({ maxTotalBacklogBytes });
    const { client, server } = stage;
    let processId = "";
    server.handle("command/exec", (params) => {
      processId = params["processId"] as string;
      const chunk = Buffer.alloc(30_000).toString("base64");
      for (let count = 0; count < 4; count += 1) {
        server.notify("command/exec/outputDelta", {
          ...{ processId, stream: "stdout", deltaBase64: chunk, capReached: false },
        });
      }
      return { exitCode: 0, stdout: "", stderr: "" };
    });
    const command = client.exec(["cat"]);
    expect(await command.exit).toMatchObject({ exitCode: 0 });
    expect(await rejection(collect(command.stdout))).toBeInstanceOf(SlowConsumerError);
  });

  test("includes what has come for a turn before the answer that names it", async () => {
    await using stage = await linked({ maxTotalBacklogBytes });
    const { client, server } = stage;
    const thread = await client.startThread();
    const ids = { threadId: thread.id, turnId: "turn-1" };
    server.handle("turn/start", async () => {
      server.send(turnStarted(ids), big(ids, 60_000), big(ids, 60_000));
      await untilHere(stage);
      return { turn: turnRecord("turn-1") };
    });
    // Nobody could tell a turn with a hole in it from a whole one.
    expect(await rejection(thread.run("Hi"))).toMatchObject({ code: "PROTOCOL_ERROR" });
  });

  test("stops counting once it is read: a consumer that keeps up is never cut off", async () => {
    await using stage = await linked({ maxTotalBacklogBytes });
    const { client, server } = stage;
    const { turn, ids } = await acceptedTurn(stage);
    const reading = collect(turn);
    server.send(turnStarted(ids));
    for (let count = 0; count < 50; count += 1) {
      server.send(big(ids, 20_000));
      await untilHere(stage);
    }
    server.send(turnCompleted(ids));
    expect(await reading).toHaveLength(52);
    expect(client.session.backlogs.bytes).toBe(0);
  });
});

test("of what tells the newest of something, only the newest waits, where it came", async () => {
  await using stage = await linked();
  const { server, client } = stage;
  const { turn, ids } = await acceptedTurn(stage);
  const everything = client.notifications();
  const diff = (text: string) => ({ method: "turn/diff/updated", params: { ...ids, diff: text } });
  const status = (type: string) => ({
    method: "thread/status/changed",
    params: { threadId: ids.threadId, status: { type } },
  });
  const patch = (itemId: string, path: string) => ({
    method: "item/fileChange/patchUpdated",
    params: { ...ids, itemId, changes: [{ path, kind: { type: "add" }, diff: "" }] },
  });
  const long = "x".repeat(300_000);
  server.send(turnStarted(ids), diff(long), patch("a", "1"), status("active"), patch("b", "1"));
  server.send(patch("a", "2"), status("active"), diff("new"), turnCompleted(ids));
  await untilHere(stage);
  const seen = (events: readonly { method: string; params?: unknown }[]) =>
    events.map(({ method, params }) => {
      const { diff: text, changes } = params as TurnEvent["params"] & {
        diff?: string;
        changes?: { path: string }[];
      };
      return [method.split("/").at(-1), text ?? changes?.[0]?.path].filter(Boolean).join(" ");
    });
  const ofTurn = ["started", "patchUpdated 1", "patchUpdated 2", "updated new", "completed"];
  expect(seen(await collect(turn))).toEqual(ofTurn);
  await client.close();
  // Whoever looks at everything: of a status, each change matters.
  const all = seen(await collect(everything));
  expect(all.filter((name) => name.startsWith("changed"))).toHaveLength(2);
  expect(all.filter((name) => !/^(changed|deprecation)/.test(name))).toEqual(ofTurn);
});

describe("maxTotalBacklogBytes", () => {
  test.each([0, -1, Number.NaN, "1000"])("must be a positive number, and not %p", (value) => {
    const options = { maxTotalBacklogBytes: value as number };
    expect(() => new Codex(options)).toThrow(InvalidArgumentError);
    expect(() => new Codex(options)).toThrow("maxTotalBacklogBytes");
  });

  test("may be infinite", async () => {
    await using stage = await linked({ maxTotalBacklogBytes: Infinity });
    expect(stage.client.session.backlogs.bytes).toBe(0);
  });
});
