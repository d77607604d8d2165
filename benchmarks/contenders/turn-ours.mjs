// node turn-ours.mjs <library> <stream|run> <server command…>
import { DeltaCounter, measure } from "./measure.mjs";

const [library, mode, command, ...args] = process.argv.slice(2);
const { AppServerClient } = await import(library);
const client = await AppServerClient.start({ launch: { command, args } });
const thread = await client.startThread();

await measure(async () => {
  const turn = thread.turn("Why does the build fail?");
  const counter = new DeltaCounter();
  if (mode === "stream") for await (const event of turn) counter.add(event);
  const { status } = await turn.run();
  if (status !== "completed") throw new Error(`the turn is ${status}`);
  // Text that waits is merged in a flood like this: there may be fewer events, not less text.
  return mode === "stream" ? { characters: counter.characters } : {};
});
await client.close();
