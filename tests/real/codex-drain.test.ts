import { expect, test } from "@jest/globals";
import { Deferred } from "../../lib/async/deferred.js";
import { defer } from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { RealStage } from "../support/real.js";

test("close({ drainMs }) lets a turn end, and an approval be answered meanwhile", async () => {
  await using stage = await RealStage.open();
  const { model } = stage;
  const codex = stage.codex();
  const asked = new Deferred<void>();
  const onApproval = () => {
    asked.resolve();
    return defer();
  };
  const sandbox = "read-only";
  const thread = await codex.startThread({ approvalPolicy: "untrusted", sandbox, onApproval });
  model.enqueueFor(thread.id, reply.shell("touch /dev/null"), reply.text("Allowed."));
  const turn = thread.turn("Touch it");
  await asked.promise;
  const closing = codex.close({ drainMs: 60_000 });
  codex.respond(codex.pendingRequests()[0]?.key ?? "", "accept");
  expect(await turn.run()).toMatchObject({ status: "completed", finalResponse: "Allowed." });
  await closing;
});
