/** What is asked when a command reaches out to a host: docs/ai-sdk.md, "As a harness". */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { reply } from "../../../lib/testing/index.js";
import { managedCodex, type ManagedCodex } from "../../support/managed-codex.js";
import { HarnessStage, partOf, partsIn, textOf } from "./harness-stage.js";

const host = "127.0.0.1";
/** The paths of the pages that were fetched. */
const fetched: string[] = [];
let managed: ManagedCodex;
let stage: HarnessStage;
let web: Server;

beforeAll(async () => {
  // Without such requirements the server blocks what is not allowed, and asks nobody.
  const made = await managedCodex(`
[experimental_network]
enabled = true
allow_local_binding = true

[experimental_network.domains]
"allowed.example" = "allow"
`);
  if (!made) throw new Error("This needs Linux, and the right to make namespaces.");
  managed = made;
  stage = await HarnessStage.open({ config: { features: { network_proxy: { enabled: true } } } });
  web = createServer(({ url }, response) => {
    fetched.push(url ?? "");
    response.end("A page");
  });
  await once(web.listen(0, host), "listening");
});
afterAll(async () => {
  web.close();
  await stage.close();
  await managed[Symbol.asyncDispose]();
});

/** A command that fetches a page through the proxy of the sandbox. */
function fetching(page: string) {
  const { port } = web.address() as AddressInfo;
  const script = `const { hostname, port } = new URL(process.env.HTTP_PROXY);
    const path = "http://${host}:${port}${page}";
    require("http").get({ hostname, port, path, headers: { host: "${host}:${port}" } });`;
  return reply.shell(`${process.execPath} -e '${script}'`);
}

test.each([
  [true, ["/asked"], "answered"],
  [false, [], "declined"],
])("a host is asked about as a call of its own: %s", async (approved, reached, outcome) => {
  const codex = stage.real.codex({ codexPath: managed.command });
  const thread = { sandbox: "workspace-write", approvalPolicy: "on-request" } as const;
  const agent = stage.agent({ codex, permissionMode: "allow-edits", options: { thread } });
  const session = await agent.createSession();
  stage.model.enqueue(fetching("/asked"), reply.text("Tried."));
  fetched.length = 0;
  const parts = await partsIn(await agent.stream({ session, prompt: "Fetch it" }));
  const asked = partOf(parts, "tool-approval-request");
  expect(asked["toolCall"]).toMatchObject({
    toolName: "request-command",
    input: { command: null, host },
    providerExecuted: true,
  });
  expect(fetched).toEqual([]);
  const approvalId = String(asked["approvalId"]);
  const answer = { type: "tool-approval-response", approvalId, approved } as const;
  const result = await agent.continueStream({ session, toolApprovalContinuations: [answer] });
  const rest = await partsIn(result);
  expect(textOf(rest)).toBe("Tried.");
  expect(fetched).toEqual(reached);
  const told = rest.filter(({ type }) => type === "tool-result");
  expect(told).toContainEqual(
    expect.objectContaining({ toolName: "request-command", output: { outcome } }),
  );
  await session.destroy();
});
