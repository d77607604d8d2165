import { reply } from "../../../lib/testing/index.js";
import { itemIs, oneTurn } from "../moves.js";
import type { Scenario } from "../record.js";

export const tools: readonly Scenario[] = [
  {
    name: "shell-turn",
    play: async (stage) => {
      stage.model.enqueue(
        [
          reply.commentary("I run it."),
          reply.shell("echo one; sleep 0.6; echo two; sleep 0.3; echo drei äöü"),
        ],
        reply.text("It printed three lines."),
      );
      await oneTurn(stage, "Run the command");
    },
  },
  {
    name: "failing-command",
    play: async (stage) => {
      stage.model.enqueue(
        reply.shell("echo to stderr >&2; sleep 0.4; exit 3"),
        reply.text("It failed with code 3."),
      );
      await oneTurn(stage, "Run the command");
    },
  },
  {
    name: "patch-turn",
    play: async (stage) => {
      stage.model.enqueue(
        reply.addFile("hello.txt", "hello\nworld\n"),
        reply.applyPatch(
          "*** Begin Patch\n*** Update File: hello.txt\n@@\n hello\n-world\n+there\n*** End Patch",
        ),
        reply.text("Written and changed."),
      );
      await oneTurn(stage, "Write hello.txt, then change it");
    },
  },
  {
    name: "background-command",
    play: async (stage) => {
      const command = "echo begin; sleep 1.5; echo end";
      stage.model.enqueue(
        reply.shell(command, { yieldTimeMs: 250 }),
        reply.text("It runs in the background."),
      );
      await oneTurn(stage, "Start it");
      await stage.seen("item/completed", itemIs("commandExecution"));
    },
  },
  {
    name: "late-events",
    play: async (stage) => {
      const gate = reply.hold();
      stage.model.enqueue(
        reply.shell("while [ ! -e go ]; do sleep 0.1; done; echo late", { yieldTimeMs: 250 }),
        reply.text("It waits."),
        [reply.shell("touch go; sleep 0.5"), reply.text(["Second ", gate, "turn."])],
        reply.text("Both are done."),
      );
      const threadId = await oneTurn(stage, "Start a waiter");
      const turnId = await stage.startTurn(threadId, "Let it go");
      await stage.seen(
        "item/completed",
        (params) =>
          itemIs("commandExecution")(params) &&
          (params.item as { aggregatedOutput: string | null }).aggregatedOutput === "late\n",
      );
      gate.release();
      await stage.completed(turnId);
    },
  },
  {
    name: "shell-command",
    play: async (stage) => {
      const threadId = await stage.startThread();
      await stage.client.request("thread/shellCommand", { threadId, command: "echo by the user" });
      await stage.seen("turn/completed");
    },
  },
  {
    name: "sub-agent-turn",
    play: async (stage) => {
      const gate = reply.hold();
      const isChild = (request: { subagent: string | undefined }) => request.subagent !== undefined;
      stage.model.enqueueFor(isChild, [gate, reply.text("The child has an answer.")]);
      stage.model.enqueue(reply.spawnAgent("Find the answer", { callId: "spawn" }));
      stage.model.respond(({ toolOutputs }) => {
        if (toolOutputs.some(({ callId }) => callId === "wait")) {
          return reply.text("My agent found it.");
        }
        const spawned = toolOutputs.find(({ callId }) => callId === "spawn");
        if (!spawned) return undefined;
        const { agent_id: agentId } = JSON.parse(spawned.output) as { agent_id: string };
        gate.release();
        return reply.waitAgent([agentId], { callId: "wait" });
      });
      await oneTurn(stage, "Ask a sub-agent");
    },
  },
  {
    name: "dynamic-tool",
    play: async (stage) => {
      stage.model.enqueue(
        reply.functionCall("get_weather", { city: "Ulm" }),
        reply.text("It is sunny in Ulm."),
      );
      const inputSchema = {
        type: "object",
        properties: { city: { type: "string" } },
        required: ["city"],
      };
      const tool = { type: "function", name: "get_weather", description: "Weather", inputSchema };
      const threadId = await stage.startThread({ dynamicTools: [tool] });
      const turnId = await stage.startTurn(threadId, "How is the weather in Ulm?");
      const { id } = await stage.seen("item/tool/call");
      stage.client.respond(id ?? "", {
        contentItems: [{ type: "inputText", text: "sunny" }],
        success: true,
      });
      await stage.completed(turnId);
    },
  },
];
