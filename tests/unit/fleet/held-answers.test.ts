import { expect, test } from "@jest/globals";
import {
  Codex,
  type ApprovalHandler,
  type ApprovalRequest,
  type RequestContext,
} from "../../../lib/index.js";
import { HeldAnswers } from "../../../lib/fleet/turns/held-answers.js";
import { RunCommands } from "../../../lib/fleet/turns/run-commands.js";
import { MemoryFleetStore } from "../../support/memory-fleet-store.js";

const never = new AbortController().signal;

test("an answer that nobody could take yet stays open for whoever follows the turn next, and is given once", async () => {
  const store = new MemoryFleetStore();
  await using codex = new Codex({ url: "ws://127.0.0.1:1" });
  const answers = new HeldAnswers(60_000);
  const options = {
    store,
    jobId: "job",
    // Nothing is asked of it.
    turn: codex.thread("thread").attachTurn({ clientUserMessageId: "message" }),
    answers,
    wasAsked: () => true,
    holder: "me",
    signal: never,
    failed: () => undefined,
  };
  options.turn.started.catch(() => undefined);
  const seq = await store.send("job", { type: "answer", key: "key", answer: "accept" });
  // The server is away, so it has not asked again.
  const first = new RunCommands(options);
  await new Promise((resolve) => setImmediate(resolve));
  await first.close();
  expect(await store.outcome("job", seq, { waitMs: 0, signal: never })).toBeUndefined();
  const asked = answers.handlers.onApproval as ApprovalHandler;
  const context = { key: "key", signal: never } as RequestContext;
  const given = asked({ type: "command" } as ApprovalRequest, context);
  const second = new RunCommands(options);
  expect(await given).toBe("accept");
  await second.close();
  expect(await store.outcome("job", seq, { waitMs: 0, signal: never })).toEqual({ ok: true });
});
