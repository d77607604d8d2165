/**
 * A process of its own, to be run with a small heap: forty turns at once, of each of which many events of
 * 40 kB come that nobody reads in time. Prints what their consumers then get. The method of the events and
 * their number are given as arguments.
 */
import { setImmediate as nextRound } from "node:timers/promises";
import { SlowConsumerError, type TurnEvent } from "../../../lib/index.js";
import { linked } from "../../support/linked-server.js";
import { turnCompleted, turnRecord, turnStarted } from "../../support/turn-messages.js";

const turnCount = 40;
const [, , method = "", count = ""] = process.argv;
const eventCount = Number(count);
const maxTotalBacklogBytes = 67_108_864;

await using pair = await linked({ maxTotalBacklogBytes });
const { client, server } = pair;
server.handle("turn/start", ({ threadId }) => ({
  turn: turnRecord(`turn-of-${String(threadId)}`),
}));
const turns = await Promise.all(
  Array.from({ length: turnCount }, async () => {
    const thread = await client.startThread();
    const turn = thread.turn("Hi");
    const { id } = await turn.started;
    // Begun, since beside a lone run() hardly anything is kept.
    return { turn, events: turn.stream(), ids: { threadId: thread.id, turnId: id } };
  }),
);
// Of all consumers, somebody who looks at everything and does not get to read it.
const everything = client.notifications();

for (const { ids } of turns) server.send(turnStarted(ids));
for (let sent = 0; sent < eventCount; sent += 1) {
  for (const { ids } of turns) {
    const diff = `${sent}`.padStart(40_000, " ");
    server.sendTogether([{ method, params: { ...ids, diff } }]);
  }
  await nextRound();
}
for (const { ids } of turns) server.send(turnCompleted(ids));
await Promise.all(turns.map(({ turn }) => turn.run()));

const report = { completed: 0, read: 0, newest: 0, cutOff: 0, others: 0 };
for (const { turn, events } of turns) {
  let last: TurnEvent | undefined;
  try {
    for await (const event of events) {
      report.read += 1;
      if (event.method !== "turn/completed") last = event;
    }
    const { diff } = last?.params as { diff: string };
    if (diff.trim() === `${eventCount - 1}`) report.newest += 1;
  } catch (error) {
    if (error instanceof SlowConsumerError) report.cutOff += 1;
    else report.others += 1;
  }
  if ((await turn.run()).status === "completed") report.completed += 1;
}
await everything.return?.();
console.log(JSON.stringify(report));
