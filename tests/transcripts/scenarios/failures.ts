import { reply } from "../../../lib/testing/index.js";
import { oneTurn } from "../moves.js";
import type { Scenario } from "../record.js";

export const failures: readonly Scenario[] = [
  {
    name: "failed-usage-limit",
    play: async (stage) => {
      stage.model.enqueue(reply.usageLimit({ resetsAt: 1_767_229_200 }));
      await oneTurn(stage, "Hi");
    },
  },
  {
    name: "failed-open-item",
    play: async (stage) => {
      stage.model.enqueue([reply.unfinishedText("This is never finished"), reply.drop()]);
      await oneTurn(stage, "Hi");
    },
  },
  {
    name: "retry-then-success",
    overrides: { config: { model_providers: { mock: { stream_max_retries: 2 } } } },
    play: async (stage) => {
      stage.model.enqueue(
        [reply.unfinishedText("First try"), reply.drop()],
        reply.text("Second try works."),
      );
      await oneTurn(stage, "Hi");
    },
  },
  {
    name: "refused-requests",
    play: async (stage) => {
      const { client } = stage;
      const missing = "00000000-0000-7000-8000-00000000ffff";
      const threadId = await stage.startThread();
      const input = [{ type: "text", text: "Hi" }];
      await client.call("thread/read", { threadId: missing });
      await client.call("thread/resume", { threadId, excludeTurns: true });
      await client.call("thread/read", { threadId, includeTurns: true });
      await client.call("turn/start", { threadId: missing, input });
      await client.call("turn/start", { threadId });
      await client.call("turn/steer", { threadId, expectedTurnId: missing, input });
      await client.call("turn/interrupt", { threadId, turnId: missing });
      await client.call("initialize", { clientInfo: { name: "again", version: "0" } });
      await stage.seen("thread/started");
    },
  },
];
