// node start-ours.mjs <library>: finding the runtime, starting it, and the handshake.
import { measure } from "./measure.mjs";

const [library] = process.argv.slice(2);
const { AppServerClient } = await import(library);
let client;
await measure(async () => {
  client = await AppServerClient.start();
});
await client.close();
