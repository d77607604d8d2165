import { reply } from "../../../lib/testing/index.js";
import { idOf } from "../../support/raw-stage.js";
import { oneTurn } from "../moves.js";
import type { Scenario } from "../record.js";

export const threads: readonly Scenario[] = [
  {
    name: "two-threads",
    play: async (stage) => {
      const [a, b] = [await stage.startThread(), await stage.startThread()];
      const gates = [reply.hold(), reply.hold(), reply.hold()] as const;
      stage.model.enqueueFor(a, reply.text(["a1 ", gates[0], "a2 ", gates[2], "a3"]));
      stage.model.enqueueFor(b, reply.text([gates[1], "b1 ", "b2"]));
      const turnA = await stage.startTurn(a, "To thread a");
      const turnB = await stage.startTurn(b, "To thread b");
      const delta = (text: string) =>
        stage.seen("item/agentMessage/delta", (params) => params.delta === text);
      await delta("a1 ");
      gates[1].release();
      await delta("b1 ");
      gates[0].release();
      await delta("a2 ");
      await stage.completed(turnB);
      gates[2].release();
      await stage.completed(turnA);
    },
  },
  {
    name: "resumed-thread",
    play: async (stage) => {
      stage.model.enqueue(reply.text("Before."), reply.text("After."));
      const threadId = await oneTurn(stage, "First");
      await stage.restart();
      await stage.client.request("thread/resume", { threadId, excludeTurns: true });
      await stage.completed(await stage.startTurn(threadId, "Second"));
      await stage.client.request("thread/turns/list", { threadId, itemsView: "full" });
      await stage.client.request("thread/items/list", { threadId });
    },
  },
  {
    name: "thread-housekeeping",
    play: async (stage) => {
      const threadId = await oneTurn(stage, "Hi");
      const { client } = stage;
      await client.request("thread/name/set", { threadId, name: "A name" });
      const { thread } = await client.request("thread/fork", { threadId, excludeTurns: true });
      await client.request("thread/read", { threadId });
      await client.request("thread/list", {});
      await client.request("thread/archive", { threadId: idOf(thread) });
      await client.request("thread/unarchive", { threadId: idOf(thread) });
      await client.request("thread/unsubscribe", { threadId });
      await client.request("thread/loaded/list", {});
    },
  },
  {
    name: "unloaded-while-idle",
    play: async (stage) => {
      const threadId = await oneTurn(stage, "Hi");
      await stage.client.request("thread/archive", { threadId });
      await stage.seen("thread/archived");
      await stage.client.call("turn/start", { threadId, input: [{ type: "text", text: "More" }] });
    },
  },
];
