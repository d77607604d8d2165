/**
 * What turns use and cost: a record of each turn in a table of one's own, sub-agents included, and budgets that
 * stop what costs too much.
 */
import assert from "node:assert/strict";
import {
  Budget,
  BudgetExceededError,
  Codex,
  costOf,
  type Prices,
  type TurnUsageRecord,
} from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";

await using model = await startLoopbackModel();
await using codex = new Codex(await configFor(model));

// Yours, from your contract, in your currency: of a million tokens.
const prices: Prices = { "mock-model": { input: 1.25, cachedInput: 0.125, output: 10 } };

// By turn id: whatever comes twice, or is told more of, replaces what was there.
const bills = new Map<string, TurnUsageRecord & { cost: number }>();
const records = codex.usage.turns();
const billing = (async () => {
  for await (const record of records) {
    bills.set(record.turnId, { ...record, cost: costOf(record, prices) });
    console.log(`${record.status}: ${String(record.tokens?.total)} tokens`);
  }
})();

const thread = await codex.startThread({ sandbox: "read-only" });
model.respond((request) => {
  if (request.parentThreadId === thread.id) return [reply.text("Two files."), used(4_000, 50)];
  const [spawned, waited] = request.toolOutputs.filter(({ callId }) => callId !== "");
  if (!spawned) return [reply.spawnAgent("Count the files."), used(1_000, 20)];
  const { agent_id: agentId } = JSON.parse(spawned.output) as { agent_id: string };
  return waited ? [reply.text("There are two."), used(1_500, 10)] : reply.waitAgent([agentId]);
});
const { usage, usageWithSubagents } = await thread.run("How many files are there?");
assert(usage && usageWithSubagents);
const cost = costOf(usageWithSubagents, prices);
console.log(
  `${String(usage.turn.totalTokens)} tokens of its own, and in all`,
  usageWithSubagents.tokens.total,
);
console.log(`which cost ${cost.toFixed(4)}`);

// A budget for a customer, a thread or a turn. The same object can be given to several of them.
const budget = new Budget({ cost: 0.02, prices });
const plan = [{ step: "Go on.", status: "in_progress" }];
model.respond(() => [reply.functionCall("update_plan", { plan }), used(9_000, 100)]);
const other = await codex.startThread({ sandbox: "read-only", budget });
const error = await other.run("Do not stop.").catch((reason: unknown) => reason);
assert(error instanceof BudgetExceededError);
console.log(`${error.code} of the ${error.scope}: spent ${String(budget.spent.cost)}`);
console.log(error.result?.status, "after", error.result?.items.length, "items");

// Nothing begins any more, until somebody tops it up.
await assert.rejects(other.run("Go on."), { code: "BUDGET_EXCEEDED", sent: false });
budget.topUp({ cost: 1 });
model.respond(() => [reply.text("Done."), used(100, 10)]);
console.log((await other.run("Then finish.")).finalResponse);

await codex.close();
await billing;
const billed = [...bills.values()].reduce((sum, bill) => sum + bill.cost, 0);
console.log(`${String(bills.size)} turns, ${billed.toFixed(4)} in all`);

assert.equal(bills.size, 4);
assert(Math.abs(billed - cost - (budget.spent.cost ?? NaN)) < 1e-9);

function used(inputTokens: number, outputTokens: number) {
  return reply.usage({ inputTokens, outputTokens });
}
