// node threads-ours.mjs <library> <threads> <server command…>: handles of so many idle threads.
import { measureHeap } from "./measure.mjs";

const [library, threads, command, ...args] = process.argv.slice(2);
const { AppServerClient } = await import(library);
const client = await AppServerClient.start({ launch: { command, args } });
await measureHeap(Number(threads), () => client.startThread());
await client.close();
