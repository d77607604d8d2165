/**
 * Log in with ChatGPT from a server that has no browser: show a page and a code, and wait until somebody
 * has typed it in. Then read the account and its limits, log out, and use an API key.
 */
import assert from "node:assert/strict";
import { Codex, LoginFailedError, LoginTimeoutError } from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";
import { startLoginService } from "./support/login-service.js";

await using model = await startLoopbackModel();
// In place of the real one, so that this runs without a network. Leave it out in your application.
await using service = await startLoginService();
await using codex = new Codex(await configFor(model, service.overrides));

const { loginRequired } = await codex.account();
console.log(`login required: ${loginRequired ? "yes" : "no"}`);

// Where there is a browser beside the server, codex.login.browser() gives a URL to open instead.
const attempt = await codex.login.deviceCode();
console.log(`open ${attempt.verificationUrl} and type in ${attempt.userCode}`);

// It goes on whether or not anybody waits, so a web handler may ask again and again.
const notYet = await attempt.wait({ timeoutMs: 50 }).catch((error: unknown) => error);
assert.ok(notYet instanceof LoginTimeoutError);
console.log(`not yet: ${notYet.message}`);

// Somebody changes their mind.
const waiting = attempt.wait();
await attempt.cancel();
const ended = await waiting.catch((error: unknown) => error);
assert.ok(ended instanceof LoginFailedError);
console.log(`given up: ${ended.reason}`);

const again = await codex.login.deviceCode();
service.typeIn(again.userCode);
await again.wait({ signal: AbortSignal.timeout(30_000) });
const { account } = await codex.account();
assert.ok(account?.type === "chatgpt");
console.log(`logged in: ${account.email ?? "somebody"} (${account.planType})`);

// The server tells how much of the limits is used with each answer of the model.
const usage = { "x-codex-primary-used-percent": "42", "x-codex-primary-window-minutes": "300" };
model.enqueue([reply.headers(usage), reply.text("Hello.")]);
const { status } = await (await codex.startThread()).run("Hi");
for await (const { rateLimits } of codex.rateLimits.watch()) {
  console.log(`turn ${status}; limits used: ${rateLimits.primary?.usedPercent ?? "unknown"} %`);
  assert.equal(rateLimits.primary?.usedPercent, 42);
  break;
}

await codex.logout();
await codex.login.apiKey("sk-not-a-real-key");
const now = await codex.account();
console.log(`logged in: ${now.account?.type ?? "nobody"}`);

assert.equal(loginRequired, true);
assert.equal(ended.reason, "cancelled");
assert.equal(status, "completed");
assert.match(model.requests[0]?.headers.authorization ?? "", /^Bearer eyJ/);
assert.equal(now.account?.type, "apiKey");
