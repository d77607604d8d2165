import { reply } from "../../../lib/testing/index.js";
import { idOf } from "../../support/raw-stage.js";
import { isIdle, oneTurn } from "../moves.js";
import type { Scenario } from "../record.js";

export const turns: readonly Scenario[] = [
  {
    name: "plain-turn",
    play: async (stage) => {
      stage.model.enqueue(reply.text("Hello there, how can I help?"));
      await oneTurn(stage, "Hi");
    },
  },
  {
    name: "reasoning-turn",
    play: async (stage) => {
      stage.model.enqueue([
        reply.reasoning(["**Reading**\n\nLook at it.", "**Deciding**\n\nAnswer."], {
          raw: ["The user wants an answer."],
        }),
        reply.commentary("Let me think about that."),
        reply.text("The answer is 42."),
        reply.usage({
          inputTokens: 100,
          cachedInputTokens: 20,
          outputTokens: 50,
          reasoningOutputTokens: 30,
        }),
      ]);
      await oneTurn(stage, "What is the answer?", { turn: { summary: "detailed" } });
    },
  },
  {
    name: "plan-turn",
    play: async (stage) => {
      stage.model.enqueue(
        reply.text(["<proposed_plan>\n", "# Plan\n", "1. Look\n", "2. Fix\n", "</proposed_plan>"]),
      );
      const settings = {
        model: "mock-model",
        reasoning_effort: null,
        developer_instructions: null,
      };
      await oneTurn(stage, "Plan it", {
        turn: { collaborationMode: { mode: "plan", settings } },
      });
    },
  },
  {
    name: "web-search",
    play: async (stage) => {
      stage.model.enqueue([reply.webSearch("codex app-server"), reply.text("Found it.")]);
      await oneTurn(stage, "Search");
    },
  },
  {
    name: "multi-turn-usage",
    play: async (stage) => {
      const threadId = await stage.startThread();
      for (const n of [1, 2, 3]) {
        const counts = { inputTokens: 100 * n, cachedInputTokens: 10 * n, outputTokens: n };
        stage.model.enqueue([reply.text(`Answer ${n}.`), reply.usage(counts)]);
        await stage.completed(await stage.startTurn(threadId, `Question ${n}`));
      }
    },
  },
  {
    name: "model-rerouted",
    play: async (stage) => {
      stage.model.enqueue([
        reply.headers({
          "openai-model": "other-model",
          "x-codex-primary-used-percent": "42",
          "x-codex-primary-window-minutes": "300",
          "x-codex-primary-reset-at": "1767229200",
        }),
        reply.text("From another model."),
      ]);
      await oneTurn(stage, "Hi");
      await stage.seen("thread/status/changed", isIdle);
    },
  },
  {
    name: "interrupted-turn",
    play: async (stage) => {
      const gate = reply.hold();
      stage.model.enqueue(reply.text(["Half of ", "a sentence", gate, " and the rest."]));
      const threadId = await stage.startThread();
      const turnId = await stage.startTurn(threadId, "Talk");
      await stage.seen("item/agentMessage/delta", ({ delta }) => delta === "a sentence");
      await stage.client.request("turn/interrupt", { threadId, turnId });
      await stage.completed(turnId);
    },
  },
  {
    name: "steered-turn",
    play: async (stage) => {
      const gate = reply.hold();
      stage.model.enqueue(
        reply.text(["I begin to ", "answer", gate, " at length."]),
        reply.text("Short answer."),
      );
      const threadId = await stage.startThread();
      const turnId = await stage.startTurn(threadId, "Explain");
      await stage.seen("item/agentMessage/delta", ({ delta }) => delta === "answer");
      await stage.client.request("turn/steer", {
        threadId,
        expectedTurnId: turnId,
        input: [{ type: "text", text: "Be brief" }],
        clientUserMessageId: "steer-1",
      });
      await stage.completed(turnId);
    },
  },
  {
    name: "compaction",
    play: async (stage) => {
      stage.model.enqueue(reply.text("A long talk."), reply.text("Summary: we talked."));
      const threadId = await oneTurn(stage, "Talk");
      const from = stage.client.messages.length;
      await stage.client.request("thread/compact/start", { threadId });
      await stage.client.waitFor(({ method }) => method === "turn/completed", from);
    },
  },
  {
    name: "auto-compaction",
    overrides: { config: { model_auto_compact_token_limit: 100 } },
    play: async (stage) => {
      stage.model.enqueue(
        [reply.text("A long talk."), reply.usage({ inputTokens: 5_000, outputTokens: 10 })],
        reply.text("Summary: we talked."),
        reply.text("After the summary."),
      );
      const threadId = await oneTurn(stage, "Talk");
      await stage.completed(await stage.startTurn(threadId, "Go on"));
    },
  },
  {
    name: "review",
    play: async (stage) => {
      stage.model.enqueue(
        reply.text(
          JSON.stringify({
            findings: [],
            overall_correctness: "patch is correct",
            overall_explanation: "Nothing to complain about.",
            overall_confidence_score: 0.9,
          }),
        ),
      );
      const threadId = await stage.startThread();
      const { turn } = await stage.client.request("review/start", {
        threadId,
        target: { type: "custom", instructions: "Look at everything" },
      });
      await stage.completed(idOf(turn));
    },
  },
  {
    name: "goal",
    play: async (stage) => {
      stage.model.enqueue(
        reply.text("Working on it."),
        [reply.updateGoal("complete"), reply.text("Goal reached.")],
        reply.text("That was it."),
      );
      const threadId = await stage.startThread();
      await stage.client.request("thread/goal/set", { threadId, objective: "Reach the goal" });
      const isComplete = ({ goal }: Record<string, unknown>) =>
        (goal as { status: string }).status === "complete";
      const { params } = await stage.seen("thread/goal/updated", isComplete);
      await stage.completed(String(params?.turnId));
    },
  },
];
