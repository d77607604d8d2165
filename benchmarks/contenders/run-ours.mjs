// node run-ours.mjs <library> <turns>: `thread.run()` on the real server, one after another.
import { measureEach } from "./measure.mjs";
import { config, env } from "./server-options.mjs";

const [library, turns] = process.argv.slice(2);
const { AppServerClient } = await import(library);
const client = await AppServerClient.start({ config, env });
const thread = await client.startThread();
await thread.run("Hi");
await measureEach(Number(turns), () => thread.run("Why does the build fail?"));
await client.close();
