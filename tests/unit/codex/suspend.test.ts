import { afterEach, expect, test } from "@jest/globals";
import { Codex } from "../../../lib/index.js";
import type { ClientRequestMethod, ParamsOf } from "../../../lib/protocol.js";
import { FakeAppServer } from "../../../lib/testing/index.js";

let codex: Codex | undefined;
const server = new FakeAppServer().onUnhandledRequest(() => ({}));
afterEach(async () => {
  await codex?.close();
  await server.close();
});

async function byHand(method: ClientRequestMethod): Promise<boolean> {
  codex = new Codex({ server });
  const client = await codex.client();
  await client.request(method, {} as ParamsOf<typeof method>);
  return codex.suspend();
}

test("a request by hand whose work is over with its answer keeps no server", async () => {
  expect(await byHand("model/list")).toBe(true);
});

test.each<ClientRequestMethod>([
  "account/gatewayOAuth/login",
  "account/login/start",
  "externalAgentConfig/import",
  "fs/watch",
  "fuzzyFileSearch/sessionStart",
  "mcpServer/event/stream/start",
  "mcpServer/oauth/login",
  "process/spawn",
  "remoteControl/enable",
  "remoteControl/pairing/start",
  "windowsSandbox/setupStart",
])(
  "what %s has begun by hand keeps the server, since nothing tells when it is over",
  async (method) => {
    expect(await byHand(method)).toBe(false);
  },
);
