import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { AppServerClient, Budget, Codex, type TurnUsageRecord } from "../../lib/index.js";
import { reply, type LoopbackModel, type ReplyPart } from "../../lib/testing/index.js";
import { CuttingProxy } from "../support/cutting-proxy.js";
import { ListeningServer } from "../support/listening-server.js";
import { RealStage } from "../support/real.js";
import { UsageReader } from "../support/usage-reader.js";

let stage: RealStage;
let model: LoopbackModel;
let server: ListeningServer;

beforeAll(async () => {
  stage = await RealStage.open();
  model = stage.model;
  server = await ListeningServer.start(stage);
});
afterAll(async () => {
  await server[Symbol.asyncDispose]();
  await stage.close();
});

const used = (tokens: number): ReplyPart =>
  reply.usage({ inputTokens: tokens - 1, outputTokens: 1, totalTokens: tokens });

test.each([
  ["before an update of a response is told", "before", 1, { total: 300, isLowerBound: true }],
  ["behind the first update", "after", 1, { total: 300, isLowerBound: true }],
  ["before the last update is told", "before", 2, { total: 100, isLowerBound: true }],
] as const)(
  "a connection that is cut %s costs no more than that",
  async (_, when, updates, expected) => {
    const proxy = await CuttingProxy.start(server.target);
    const client = await AppServerClient.connect(proxy.url, { reconnect: { minDelayMs: 10 } });
    try {
      const reader = new UsageReader(client);
      const thread = await client.startThread();
      model.enqueueFor(thread.id, [reply.text("Ready."), used(7)]);
      await thread.run("Are you there?");
      const restored = new Promise<void>((resolve) => {
        client.on("connection/restored" as never, () => {
          resolve();
        });
      });
      const gate = reply.hold();
      const [first, second] = [
        [reply.shell("echo hi"), used(100)],
        [reply.text(["One ", ...(updates === 1 ? [gate] : []), "two."]), used(200)],
      ];
      model.enqueueFor(thread.id, first, second);
      const update = new RegExp(
        `"method":"thread/tokenUsage/updated".*"total":\\{"totalTokens":${updates === 1 ? 107 : 307},`,
      );
      const cut = proxy.cutAt("server", when, update);
      const turn = thread.run("Count");
      await cut;
      await restored;
      gate.release();
      const result = await turn;
      expect(result.finalResponse).toBe("One two.");
      const [, record] = await reader.next(2);
      expect(record).toMatchObject({
        turnId: result.id,
        tokens: { total: expected.total },
        isLowerBound: expected.isLowerBound,
      });
      // What was missed of the turn before is not counted as the next one's.
      model.enqueueFor(thread.id, [reply.text("Still here."), used(30)]);
      expect(await thread.run("And now?")).toMatchObject({
        usage: { turn: { totalTokens: 30 } },
        usageWithSubagents: { tokens: { total: 30 }, isLowerBound: false },
      });
    } finally {
      await client.close();
      await proxy[Symbol.asyncDispose]();
    }
  },
);

test("clients of one server have the records of their own turns, and use their own budgets", async () => {
  const budget = new Budget({ tokens: 1_000 });
  const one = new Codex({ url: server.url, budget });
  const other = new Codex({ url: server.url });
  try {
    const [ofOne, ofOther] = [new UsageReader(one), new UsageReader(other)];
    const thread = await one.startThread();
    model.enqueueFor(thread.id, [reply.text("One."), used(11)]);
    await thread.run("One");
    const same = await other.resumeThread(thread.id);
    model.enqueueFor(thread.id, [reply.text("Two."), used(22)]);
    await same.run("Two");
    model.enqueueFor(thread.id, [reply.text("Three."), used(33)]);
    await thread.run("Three");
    await Promise.all([one.close(), other.close()]);
    const totals = (records: readonly TurnUsageRecord[]) =>
      records.map((record) => record.tokens?.total);
    expect(totals(await ofOne.rest())).toEqual([11, 33]);
    expect(totals(await ofOther.rest())).toEqual([22]);
    expect(budget.spent.tokens).toBe(44);
  } finally {
    await Promise.all([one.close(), other.close()]);
  }
});
