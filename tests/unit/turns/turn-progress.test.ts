import { expect, test } from "@jest/globals";
import type { TurnEvent } from "../../../lib/protocol.js";
import { TurnProgress } from "../../../lib/turns/turn-progress.js";
import { initialTurnState, reduceTurn } from "../../../lib/turns/turn-state.js";
import { type TurnState } from "../../../lib/results/turn-state.js";
import { recordedTurns, transcriptNames } from "../../support/transcripts.js";
import { agentMessage, type Params } from "../../support/turn-messages.js";

function event(method: string, params: Params): TurnEvent {
  const value: unknown = { method, params };
  return value as TurnEvent;
}

const text = (itemId: string, delta: unknown) =>
  event("item/agentMessage/delta", { itemId, delta });
const summary = (summaryIndex: number, delta: string) =>
  event("item/reasoning/summaryTextDelta", { itemId: "think", summaryIndex, delta });

const opening = [
  event("item/started", { item: agentMessage("one", "") }),
  event("item/started", { item: agentMessage("two", "") }),
  event("item/started", { item: { type: "reasoning", id: "think", summary: [], content: [] } }),
];

function oneByOne(events: readonly TurnEvent[]): TurnState {
  return events.reduce((state, event) => reduceTurn(state, event), initialTurnState("thread"));
}

function inProgress(events: readonly TurnEvent[], look: boolean): TurnState {
  const progress = new TurnProgress("thread");
  const states: TurnState[] = [];
  for (const each of events) {
    progress.add(each);
    if (look) states.push(progress.state);
  }
  return states.at(-1) ?? progress.state;
}

test.each(transcriptNames())("follows the turns of %s like the reducer does", (name) => {
  for (const { events } of recordedTurns(name)) {
    const known = oneByOne(events);
    expect(inProgress(events, false)).toEqual(known);
    expect(inProgress(events, true)).toEqual(known);
  }
});

test.each<[string, readonly TurnEvent[]]>([
  ["one item", [text("one", "a"), text("one", "b"), text("one", "c")]],
  ["two items in turn", [text("one", "a"), text("two", "b"), text("one", "c"), text("one", "d")]],
  ["an item that is not open", [text("three", "a"), text("three", "b")]],
  ["two parts of one item", [summary(0, "a"), summary(0, "b"), summary(1, "c"), summary(0, "d")]],
  ["more deltas than are folded at once", Array.from({ length: 5_000 }, () => text("one", "ab"))],
])("adds up the deltas of %s", (_name, deltas) => {
  const events = [...opening, ...deltas];
  const known = oneByOne(events);
  expect(inProgress(events, false)).toEqual(known);
  expect(inProgress(events, true)).toEqual(known);
});

test("leaves a snapshot as it was when the text goes on", () => {
  const progress = new TurnProgress("thread");
  for (const each of [...opening, text("one", "a")]) progress.add(each);
  const before = progress.state;
  progress.add(text("one", "b"));
  expect(before.openItems[0]).toMatchObject({ text: "a" });
  expect(progress.state.openItems[0]).toMatchObject({ text: "ab" });
});

test("survives events of a known method and an unknown shape", () => {
  const odd = [
    event("turn/started", { turn: null }),
    event("item/agentMessage/delta", null as unknown as Params),
    event("item/started", {}),
  ];
  const events = [...opening, text("one", "a"), ...odd, text("one", "b")];
  expect(inProgress(events, false).openItems[0]).toMatchObject({ text: "ab" });
});

test("goes on from the state that it is given", () => {
  const progress = new TurnProgress("thread");
  for (const each of [...opening, text("one", "lost")]) progress.add(each);
  progress.state = oneByOne([...opening, text("one", "kept")]);
  progress.add(text("one", " on"));
  expect(progress.state.openItems[0]).toMatchObject({ text: "kept on" });
});
