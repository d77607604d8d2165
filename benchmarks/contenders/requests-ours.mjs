// node requests-ours.mjs <library> <once|retried> <method> <count> <parallel> <server command…>
// "retried": what the server refuses because it is too busy is tried again, as a Codex does.
import { collectGarbage, measure } from "./measure.mjs";
import { requestInParallel } from "./request-in-parallel.mjs";

const [library, mode, method, count, parallel, command, ...args] = process.argv.slice(2);
const { AppServerClient } = await import(library);
const client = await AppServerClient.start({
  launch: { command, args },
  retryOnOverload: mode === "retried",
});

const run = (count, method) =>
  requestInParallel(count, Number(parallel), () => client.request(method, {}));
// A server runs for weeks: what it costs to compile the code is not of interest here.
await run(2_000, "thread/loaded/list");
collectGarbage();
await measure(() => run(Number(count), method));
await client.close();
