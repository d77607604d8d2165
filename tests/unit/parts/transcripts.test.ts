import { expect, test } from "@jest/globals";
import { readdirSync } from "node:fs";
import type { ThreadItem } from "../../../generated/types.js";
import type { TurnPart } from "../../../lib/parts/turn-part.js";
import { TurnView, type ViewEntry } from "../../../lib/parts/turn-view.js";
import type { TurnResult } from "../../../lib/results/turn-result.js";
import type { TurnState } from "../../../lib/results/turn-state.js";
import { toTurnResult } from "../../../lib/turns/turn-result.js";
import { initialTurnState, reduceTurn } from "../../../lib/turns/turn-state.js";
import { deepFreeze } from "../../support/deep-freeze.js";
import {
  keptPartLines,
  partLines,
  partsDirectory,
  partsOfStream,
} from "../../support/golden-parts.js";
import { recordedStreams, type RecordedStream } from "../../support/recorded-streams.js";
import { recordedTurns, transcriptNames } from "../../support/transcripts.js";

const names = transcriptNames();

test("every transcript has its parts beside it, and there are no others", () => {
  expect(readdirSync(partsDirectory).sort()).toEqual(names.map((name) => `${name}.jsonl`).sort());
});

test.each(names)(
  "%s gives the parts that are kept (npx tsx tests/transcripts/parts.ts)",
  (name) => {
    expect(partLines(name).split("\n")).toEqual(keptPartLines(name).split("\n"));
  },
);

test.each(names)("%s: every turn that nobody else has started has a stream", (name) => {
  const turns = recordedTurns(name).map(({ turnId }) => turnId);
  const streams = recordedStreams(name).flatMap(({ events }) => [
    ...new Set(
      events.filter(({ method }) => method === "turn/completed").map(({ origin }) => origin.turnId),
    ),
  ]);
  expect(streams.sort()).toEqual(turns.sort());
});

function stateOf({ threadId, events }: RecordedStream): TurnState {
  return events
    .filter(({ origin }) => origin.depth === 0)
    .reduce((state, event) => reduceTurn(state, event), initialTurnState(threadId));
}

const viewOf = (parts: readonly TurnPart[]): TurnView =>
  parts.reduce((view, part) => TurnView.apply(deepFreeze(view), part), TurnView.empty);

/** The items of a result as a view shows them. */
function shownItem(item: ThreadItem, isOpen: boolean, { status }: TurnResult): object | undefined {
  const { id } = item;
  const ending = status === "completed" ? "background" : "interrupted";
  switch (item.type) {
    case "agentMessage":
    case "plan":
      return { type: "message", id, text: item.text, state: isOpen ? "cut" : "whole" };
    case "userMessage": {
      const text = item.content.map((each) => (each.type === "text" ? each.text : "")).join("\n");
      return { type: "user-message", id, text };
    }
    case "reasoning":
      return { type: "reasoning", id, sections: item.summary, raw: [], open: false };
    case "contextCompaction":
      return { type: "compaction", id };
    case "commandExecution":
      return {
        ...{ type: "tool", id, status: isOpen ? ending : item.status },
        output: item.aggregatedOutput ?? "",
        ...(item.exitCode === null ? {} : { exitCode: item.exitCode }),
      };
    case "fileChange":
    case "dynamicToolCall":
    case "collabAgentToolCall":
      return { type: "tool", id, status: isOpen ? ending : item.status };
    case "webSearch":
      return { type: "tool", id, status: "completed" };
    default:
      return { type: "other", id, item: item.type, ended: !isOpen };
  }
}

const isOfItem = ({ type }: ViewEntry): boolean => type !== "request" && type !== "warning";

test.each(names)("%s: the folded parts say what the result of the turn says", (name) => {
  for (const stream of recordedStreams(name)) {
    const parts = partsOfStream(stream);
    const own = parts.filter(({ origin }) => !origin);
    const view = viewOf(parts);
    const state = stateOf(stream);
    const result = toTurnResult(state);
    const reset = own.flatMap((part) => (part.type === "message-reset" ? [part.id] : []));
    const items = result.items.filter(({ id }) => !reset.includes(id));
    expect(view.entries.filter(isOfItem)).toEqual(
      items.map((item) => {
        const isOpen = state.openItems.some(({ id }) => id === item.id);
        return expect.objectContaining(shownItem(item, isOpen, result) ?? {});
      }),
    );
    expect(view).toMatchObject({
      threadId: stream.threadId,
      turnId: stream.turnId,
      retry: null,
      diff: result.items.some(({ type }) => type === "fileChange") ? state.diff : null,
      end: {
        status: result.status,
        finalResponse: result.finalResponse,
        durationMs: result.durationMs,
        usage: result.usage && {
          input: result.usage.turn.inputTokens,
          cachedInput: result.usage.turn.cachedInputTokens,
          output: result.usage.turn.outputTokens,
          reasoning: result.usage.turn.reasoningOutputTokens,
          total: result.usage.turn.totalTokens,
        },
      },
    });
    expect(view.usage?.turn ?? null).toEqual(view.end?.usage);
    expect(view.end?.error === undefined).toBe(result.status !== "failed");
  }
});

test.each(names)("%s: no part names a place outside the project", (name) => {
  expect(keptPartLines(name)).not.toMatch(/\/home\/user/);
});

test("the view of a sub-agent stands beside that of its turn", () => {
  const [stream] = recordedStreams("sub-agent-turn");
  const view = viewOf(stream ? partsOfStream(stream) : []);
  expect(view.agents).toMatchObject([
    {
      origin: { parentThreadId: stream?.threadId, depth: 1 },
      view: { agents: [], end: { status: "completed", finalResponse: "The child has an answer." } },
    },
  ]);
  expect(view.entries.filter(({ type }) => type === "message")).toMatchObject([
    { text: "My agent found it." },
  ]);
});
