/**
 * A process of its own, to be run with `--expose-gc`: one turn of a million text deltas, and a
 * consumer that reads one event in the time in which a thousand come. Prints what that cost.
 */
import { setImmediate as nextRound } from "node:timers/promises";
import { linkedThread } from "../../support/linked-server.js";
import { turnCompleted, turnStarted } from "../../support/turn-messages.js";

const deltas = 1_000_000;
const perRead = 1_000;
const ids = { threadId: "thread-1", turnId: "turn-1" };

/** Eight characters each, to be told apart. */
const textOf = (index: number): string => `${String(index).padStart(7, "0")} `;

function usedMiB(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / 1_048_576;
}

await using pair = await linkedThread();
const { server, thread } = pair;
const turn = thread.turn("Hi");
await turn.started;
const events = turn.stream();
server.send(turnStarted(ids));
await events.next();

let [position, inOrder, read, largest] = [0, true, 0, 0];
function take(text: string): void {
  read += 1;
  largest = Math.max(largest, text.length);
  for (let at = 0; at < text.length; at += 8) {
    inOrder &&= text.slice(at, at + 8) === textOf(position);
    position += 1;
  }
}

const before = usedMiB();
let most = before;
for (let sent = 0; sent < deltas; sent += perRead) {
  server.sendTogether(
    Array.from({ length: perRead }, (_, index) => ({
      method: "item/agentMessage/delta",
      params: { ...ids, itemId: "msg-1", delta: textOf(sent + index) },
    })),
  );
  // The client reads all of it meanwhile.
  for (let round = 0; round < 4; round += 1) await nextRound();
  const step = await events.next();
  if (!step.done && "delta" in step.value.params) take(step.value.params.delta);
  if (sent % 100_000 === 0) most = Math.max(most, usedMiB());
}
most = Math.max(most, usedMiB());
const readBeforeEnd = read;

server.send(turnCompleted(ids));
for await (const { params } of events) if ("delta" in params) take(params.delta);
const { status } = await turn.run();
const growthMiB = Math.round(most - before);
console.log(
  JSON.stringify({ status, texts: position, inOrder, read, readBeforeEnd, largest, growthMiB }),
);
