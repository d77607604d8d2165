// node run-bare.mjs <turns>: turns on one thread of the real server, one after another.
import { BareTurns } from "./bare-turns.mjs";
import { measureEach } from "./measure.mjs";

const client = await BareTurns.start();
const thread = await client.startThread();
await client.run(thread, "Hi");
await measureEach(Number(process.argv[2]), () => client.run(thread, "Why does the build fail?"));
await client.close();
