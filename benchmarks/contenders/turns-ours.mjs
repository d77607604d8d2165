// node turns-ours.mjs <library> <turns> <server command…>
import { collectGarbage, measure } from "./measure.mjs";

const [library, turns, command, ...args] = process.argv.slice(2);
const { AppServerClient } = await import(library);
const client = await AppServerClient.start({ launch: { command, args } });
const thread = await client.startThread();
const run = async (count) => {
  for (let done = 0; done < count; done += 1) await thread.run("Why does the build fail?");
};
await run(200);
collectGarbage();
await measure(() => run(Number(turns)));
await client.close();
