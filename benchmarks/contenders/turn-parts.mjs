// node turn-parts.mjs <library> <parts module> <server command…>
import { measure } from "./measure.mjs";

const [library, module, command, ...args] = process.argv.slice(2);
const { AppServerClient } = await import(library);
const { partsOf } = await import(module);
const client = await AppServerClient.start({ launch: { command, args } });
const thread = await client.startThread();

await measure(async () => {
  let characters = 0;
  let last;
  for await (const part of partsOf(thread.turn("Why does the build fail?"))) {
    last = part;
    if (part.type === "message-delta") characters += part.delta.length;
  }
  if (last?.status !== "completed") throw new Error(`the turn is ${last?.status}`);
  return { characters };
});
await client.close();
