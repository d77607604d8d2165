// node first-turn-bare.mjs: from the spawn of the real server to the end of the first turn.
import { BareTurns } from "./bare-turns.mjs";
import { measure } from "./measure.mjs";

let client;
await measure(async () => {
  client = await BareTurns.start();
  await client.run(await client.startThread(), "Why does the build fail?");
});
await client.close();
