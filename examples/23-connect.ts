/**
 * A server that runs already, shared by several clients: connect to it over a socket, with a token.
 * Needs the package `ws` (npm install ws).
 */
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { AppServerClient, ConnectError } from "codex-app-server-sdk";
import { reply, startLoopbackModel } from "codex-app-server-sdk/testing";
import { startListening } from "./support/start-listening.js";

await using model = await startLoopbackModel();

// The server knows only the hash of the token that it wants.
const token = randomBytes(32).toString("base64url");
const hash = createHash("sha256").update(token).digest("hex");
await using server = await startListening(model, [
  "--ws-auth",
  "capability-token",
  "--ws-token-sha256",
  hash,
]);

// Without a token, or with a wrong one, `connect()` rejects. Trying again would not help.
let refusal: unknown;
try {
  await AppServerClient.connect(server.url, { token: "a-guess" });
} catch (error) {
  refusal = error;
}
assert(refusal instanceof ConnectError);
console.log(`HTTP ${refusal.statusCode ?? 0}, worth another try: ${refusal.retryable}`);

// A function is called for each connection, so it may read a file or fetch a token that has not
// expired.
await using alice = await AppServerClient.connect(server.url, { token: () => token });
console.log(`connected to codex ${alice.serverInfo.version}`);

const thread = await alice.startThread({ sandbox: "read-only" });
model.enqueueFor(thread.id, reply.text("Hello, Alice."));
const turn = thread.turn("Hello! I am Alice.");
for await (const text of turn.textStream()) process.stdout.write(text);
const { status, finalResponse } = await turn.run();

// A second client has a connection of its own. Closing it leaves the server and the others alone.
const bob = await AppServerClient.connect(server.url, { token });
const threads = await bob.listThreads().all();
await bob.close();
const { kind } = await bob.closed;
console.log(`\nBob sees ${threads.length} thread, and is ${kind}`);

model.enqueueFor(thread.id, reply.text("Still here, Alice."));
const { finalResponse: second } = await thread.run("Are you still there?");

assert.deepEqual([refusal.statusCode, refusal.retryable], [401, false]);
assert.deepEqual([status, finalResponse], ["completed", "Hello, Alice."]);
assert.deepEqual([second, kind], ["Still here, Alice.", "closed"]);
assert.equal(threads.length, 1);
console.log("completed");
