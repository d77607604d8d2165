/**
 * When things go wrong. A turn that fails throws a TurnFailedError which says why, and its thread stays
 * usable. A ServerBusyError says that the server did not run the request, so `retryOnOverload` may repeat
 * the operation. A `Codex` does that by itself for its own requests.
 */
import assert from "node:assert/strict";
import { Codex, retryOnOverload, ServerBusyError, TurnFailedError } from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";

await using model = await startLoopbackModel();
await using codex = new Codex(await configFor(model));
model.enqueue(
  [reply.shell("echo half done")],
  reply.usageLimit(), // fails the first turn, after its command has run
  reply.overloaded(), // the model is busy, not the app-server
  reply.text("Back again."),
);

const thread = await codex.startThread();
const reasons: string[] = [];

for (const attempt of ["Start the work.", "Go on.", "Once more."]) {
  try {
    const { status, finalResponse } = await thread.run(attempt);
    console.log(`${status}: ${finalResponse ?? "no answer"}`);
  } catch (error) {
    if (!(error instanceof TurnFailedError)) throw error; // a bug, or the connection is gone
    reasons.push(error.reason);
    console.log(`${error.reason}: ${advice(error)}`);
  }
}

// Without exceptions: the failed turn's result, with its error inside.
model.enqueue(reply.http(500));
const { status, error } = await thread.run("Hm?", { throwOnFailure: false });
console.log(`${status}: ${error?.message.split("\n")[0] ?? ""}`);

// An operation of your own, such as one that goes through a gateway which can be too busy.
let calls = 0;
const answer = await retryOnOverload(
  async () => {
    calls += 1;
    if (calls < 3) throw tooBusy();
    return (await thread.run("Third time lucky?")).status;
  },
  {
    minTimeoutMs: 10,
    onRetry: ({ code }, attempt) => {
      console.log(`attempt ${attempt}: ${code}`);
    },
  },
);
console.log(`${answer} at attempt ${calls}`);

function advice({ reason, result }: TurnFailedError): string {
  if (reason === "usageLimitExceeded") {
    return `wait, or use another account; ${result.items.length} items were done before`;
  }
  if (reason === "serverOverloaded") return "try later, or with another model";
  return "look at the message";
}

function tooBusy(): ServerBusyError {
  return new ServerBusyError({
    method: "gateway/call",
    rpcCode: -32001,
    message: "Too busy.",
    data: null,
  });
}

assert.deepEqual(reasons, ["usageLimitExceeded", "serverOverloaded"]);
assert.equal(status, "failed");
assert.deepEqual([answer, calls], ["completed", 3]);
