// node requests-ours.mjs <library> <method> <count> <parallel> <server command…>
import { measure } from "./measure.mjs";
import { requestInParallel } from "./request-in-parallel.mjs";

const [library, method, count, parallel, command, ...args] = process.argv.slice(2);
const { AppServerClient } = await import(library);
const client = await AppServerClient.start({ launch: { command, args } });

await measure(() =>
  requestInParallel(Number(count), Number(parallel), () => client.request(method, {})),
);
await client.close();
