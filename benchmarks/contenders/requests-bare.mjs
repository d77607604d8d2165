// node requests-bare.mjs <method> <count> <parallel> <server command…>
import { BareClient } from "./bare-client.mjs";
import { measure } from "./measure.mjs";
import { requestInParallel } from "./request-in-parallel.mjs";

const [method, count, parallel, command, ...args] = process.argv.slice(2);
const client = new BareClient(command, args);
await client.handshake();

await measure(() =>
  requestInParallel(Number(count), Number(parallel), () => client.request(method, {})),
);
await client.close();
