// node turn-bare.mjs <server command…>: splits lines, parses each, counts.
import { BareClient } from "./bare-client.mjs";
import { DeltaCounter, measure } from "./measure.mjs";

const [command, ...args] = process.argv.slice(2);
const counter = new DeltaCounter();
let complete;
const completed = new Promise((resolve) => (complete = resolve));
const client = new BareClient(command, args, (message) => {
  counter.add(message);
  if (message.method === "turn/completed") complete();
});
await client.handshake();
const { thread } = await client.request("thread/start");

await measure(async () => {
  await client.request("turn/start", { threadId: thread.id, input: [] });
  await completed;
  return counter;
});
await client.close();
