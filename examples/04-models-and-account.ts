/**
 * Before the first turn: is the server there, who is logged in, and which models can be used?
 * `ready()` answers the first two; logging in is one request away.
 */
import assert from "node:assert/strict";
import { Codex } from "codex-app-server-sdk";
import { configFor, startLoopbackModel } from "codex-app-server-sdk/testing";

await using model = await startLoopbackModel();
await using codex = new Codex(
  // A private home where nobody is logged in, and a provider that insists on it.
  await configFor(model, { config: { model_providers: { mock: { requires_openai_auth: true } } } }),
);

const before = await codex.ready();
console.log(`codex app-server ${before.serverInfo.version ?? "of unknown version"}`);

if (before.loginRequired) {
  // The server stores the key in its CODEX_HOME. See 22-login.ts for the other ways.
  await codex.login.apiKey("sk-not-a-real-key");
}

const { account, loginRequired } = await codex.ready();
console.log(`logged in: ${loginRequired ? "no" : (account?.type ?? "not needed")}`);

// The list comes in pages; the loop fetches them as it goes on.
const names: string[] = [];
for await (const { displayName, isDefault, supportedReasoningEfforts } of codex.models()) {
  const efforts = supportedReasoningEfforts.map(({ reasoningEffort }) => reasoningEffort);
  console.log(`- ${displayName}${isDefault ? " (default)" : ""}: ${efforts.join(", ")}`);
  names.push(displayName);
}

const { status } = await (await codex.startThread()).run("Hi");
console.log(`first turn: ${status}`);

assert.equal(before.loginRequired, true);
assert.equal(before.account, null);
assert.equal(loginRequired, false);
assert.equal(account?.type, "apiKey");
assert.ok(names.length > 0);
assert.equal(model.requests[0]?.headers.authorization, "Bearer sk-not-a-real-key");
