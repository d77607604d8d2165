// node requests-bare.mjs <method> <count> <parallel> <server command…>
import { BareClient } from "./bare-client.mjs";
import { collectGarbage, measure } from "./measure.mjs";
import { requestInParallel } from "./request-in-parallel.mjs";

const [method, count, parallel, command, ...args] = process.argv.slice(2);
const client = new BareClient(command, args);
await client.handshake();

const run = (count, method) =>
  requestInParallel(count, Number(parallel), () => client.request(method, {}));
// A server runs for weeks: what it costs to compile the code is not of interest here.
await run(2_000, "thread/loaded/list");
collectGarbage();
await measure(() => run(Number(count), method));
await client.close();
