// node threads-bare.mjs <threads> <server command…>: the ids of so many threads, and nothing else.
import { BareClient } from "./bare-client.mjs";
import { measureHeap } from "./measure.mjs";

const [threads, command, ...args] = process.argv.slice(2);
const client = new BareClient(command, args);
await client.handshake();
await measureHeap(Number(threads), async () => {
  const { thread } = await client.request("thread/start");
  return thread.id;
});
await client.close();
