// node start-bare.mjs <codex>: from the spawn to the answer to `initialize`, by hand.
import { BareClient } from "./bare-client.mjs";
import { measure } from "./measure.mjs";

const [codex] = process.argv.slice(2);
let client;
await measure(async () => {
  client = new BareClient(codex, ["app-server"]);
  await client.handshake();
});
await client.close();
