/** A process with both copies of the package: a part of it is an ES module, another one CommonJS. */
import assert from "node:assert/strict";
import { createRequire } from "node:module";
import { setImmediate } from "node:timers/promises";
import * as esm from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";

const require = createRequire(import.meta.url);
const cjs = require("codex-app-server-sdk");
assert.notEqual(esm.Codex, cjs.Codex);
assert.deepEqual(Object.keys(esm).sort(), Object.keys(cjs).sort(), "both have the same exports");
for (const entry of ["http", "browser", "ai", "telemetry", "testing"]) {
  const name = `codex-app-server-sdk/${entry}`;
  assert.deepEqual(Object.keys(await import(name)).sort(), Object.keys(require(name)).sort());
}

for (const [one, other] of [
  [esm, cjs],
  [cjs, esm],
]) {
  const codex = new one.Codex({ codexPath: "/not/there" });
  const error = await codex.ready().catch((reason) => reason);
  assert.ok(other.isAppServerError(error));
  assert.equal(error.code, "BINARY_NOT_FOUND");
  await useFromOther(one, other);
}

/** A client of one copy is given a tool and a deferred answer of the other. */
async function useFromOther(one, other) {
  const model = await startLoopbackModel();
  const codex = new one.Codex({ ...(await configFor(model)), onApproval: () => other.defer() });
  const tool = other.defineTool({
    name: "add",
    description: "Adds one.",
    input: { type: "object", properties: { to: { type: "number" } }, required: ["to"] },
    execute: ({ to }) => String(to + 1),
  });
  try {
    const thread = await codex.startThread({ tools: [tool], approvalPolicy: "untrusted" });
    model.enqueue(reply.functionCall("add", { to: "two" }), reply.text("Done."));
    await thread.run("Add");
    assert.match(model.requests[1].toolOutputs[0].output, /do not fit the tool's input:\n- to: /);

    model.enqueue(reply.shell("touch marker.txt"), reply.text("Done."));
    const turn = thread.turn("Touch");
    for await (const event of turn) {
      if (!event.method.endsWith("requestApproval")) continue;
      await setImmediate(); // the handler is asked behind the event
      const [pending] = codex.pendingRequests();
      assert.equal(pending?.deferred, true);
      codex.respond(pending.key, "decline");
    }
    assert.equal((await turn.run()).status, "completed");
  } finally {
    await codex.close();
    await model.close();
  }
}
