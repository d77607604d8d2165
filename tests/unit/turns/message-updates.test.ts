import { describe, expect, test } from "@jest/globals";
import type { SomeEvent } from "../../../lib/messages/superseding.js";
import { MessageUpdates, type MessageUpdate } from "../../../lib/turns/message-updates.js";
import { agentMessage, turnCompleted, type Params } from "../../support/turn-messages.js";

const ids = { threadId: "thread-1", turnId: "turn-1" };

const event = (method: string, params: Params): SomeEvent => ({
  method,
  params: { ...ids, ...params },
});
const started = (id: string, phase: string | null = null, text = "") =>
  event("item/started", { item: agentMessage(id, text, phase) });
const completed = (id: string, text: string, phase: string | null = null) =>
  event("item/completed", { item: agentMessage(id, text, phase) });
const delta = (itemId: string, text: string) =>
  event("item/agentMessage/delta", { itemId, delta: text });
const retry = event("error", { willRetry: true, error: { message: "Reconnecting... 1/2" } });
const end = (items: readonly Params[] = []) =>
  turnCompleted(ids, { items }) as unknown as SomeEvent;

function read(...events: SomeEvent[]): MessageUpdate[] {
  const messages = new MessageUpdates();
  return events.flatMap((one) => messages.next(one));
}

/** An update in short: `"delta a Hel|lo"` brings `lo`, after which the text is `Hello`. */
function short(update: MessageUpdate): string {
  const { type, id, text } = update;
  if (update.type !== "delta") return text === "" ? `${type} ${id}` : `${type} ${id} ${text}`;
  return `delta ${id} ${text.slice(0, -update.delta.length)}|${update.delta}`;
}

const lives = (...events: SomeEvent[]) => read(...events).map(short);

test("a message starts, grows and completes, under the names that events and result have", () => {
  const facts = { turnId: "turn-1", id: "a", phase: "final_answer" };
  expect(
    read(
      started("a", "final_answer"),
      delta("a", "Hello "),
      delta("a", "there"),
      completed("a", "Hello there", "final_answer"),
      end([agentMessage("a", "Hello there", "final_answer")]),
    ),
  ).toEqual([
    { ...facts, type: "started", text: "" },
    { ...facts, type: "delta", text: "Hello ", delta: "Hello " },
    { ...facts, type: "delta", text: "Hello there", delta: "there" },
    { ...facts, type: "completed", text: "Hello there" },
  ]);
});

describe("a message that the model broke off", () => {
  test("is taken back when it is said anew, under whatever id", () => {
    const broken = [started("a"), delta("a", "Half of "), retry];
    expect(lives(...broken, started("b"), delta("b", "Half"), completed("b", "Half"))).toEqual([
      "started a",
      "delta a |Half of ",
      "reset a",
      "started b",
      "delta b |Half",
      "completed b Half",
    ]);
    expect(lives(...broken, started("a"), delta("a", "Half"), completed("a", "Half"))).toEqual([
      "started a",
      "delta a |Half of ",
      "reset a",
      "started a",
      "delta a |Half",
      "completed a Half",
    ]);
  });

  test("stands when the turn ends without another one: it is all that came", () => {
    expect(lives(started("a"), delta("a", "Half of "), retry, retry, end())).toEqual([
      "started a",
      "delta a |Half of ",
      "cut a Half of ",
    ]);
  });

  test("was not broken off if it goes on", () => {
    const events = [started("a"), delta("a", "Half "), retry, delta("a", "of it"), started("b")];
    expect(lives(...events)).toEqual([
      "started a",
      "delta a |Half ",
      "delta a Half |of it",
      "cut a Half of it",
      "started b",
    ]);
  });
});

test("a message that is cut by a steer stands, and the next one begins", () => {
  const steer = event("item/started", { item: { type: "userMessage", id: "user-2", content: [] } });
  expect(lives(started("a"), delta("a", "Half of "), steer, started("b"))).toEqual([
    "started a",
    "delta a |Half of ",
    "cut a Half of ",
    "started b",
  ]);
});

describe("a message that comes whole", () => {
  test.each([
    ["with its start", [started("a", null, "Whole.")]],
    ["with an empty start", [started("a")]],
    ["without a start", []],
  ])("%s is told in one piece", (_name, before) => {
    expect(lives(...before, completed("a", "Whole."))).toEqual([
      "started a",
      "delta a |Whole.",
      "completed a Whole.",
    ]);
  });

  test("in the last event of the turn only is told, too, and nothing twice", () => {
    expect(
      lives(completed("a", "One."), end([agentMessage("a", "One."), agentMessage("b", "Two.")])),
    ).toEqual([
      "started a",
      "delta a |One.",
      "completed a One.",
      "started b",
      "delta b |Two.",
      "completed b Two.",
    ]);
  });

  test("when it starts, and never again, is told to be cut, without its text", () => {
    expect(lives(started("raw", null, '{"findings":[]}'), started("a"))).toEqual([
      "started raw",
      "cut raw",
      "started a",
    ]);
  });

  test("when it starts, and then goes on, has all of its text", () => {
    expect(lives(started("a", null, "One "), delta("a", "two"), completed("a", "One two"))).toEqual(
      ["started a", "delta a |One two", "completed a One two"],
    );
  });
});

describe("the whole message has the last word", () => {
  test("on what is missing at the end", () => {
    expect(lives(started("a"), delta("a", "One "), completed("a", "One two."))).toEqual([
      "started a",
      "delta a |One ",
      "delta a One |two.",
      "completed a One two.",
    ]);
  });

  test("on what was said otherwise", () => {
    expect(lives(started("a"), delta("a", "Oen "), completed("a", "One two."))).toEqual([
      "started a",
      "delta a |Oen ",
      "reset a",
      "delta a |One two.",
      "completed a One two.",
    ]);
  });

  test("on what the message is", () => {
    const updates = read(started("a"), delta("a", "Hm."), completed("a", "Hm.", "commentary"));
    expect(updates.map(({ type, phase }) => [type, phase])).toEqual([
      ["started", null],
      ["delta", null],
      ["completed", "commentary"],
    ]);
  });
});

describe("a message whose start was missed", () => {
  test("because the handle has joined the turn, is told when it is whole", () => {
    const messages = new MessageUpdates();
    messages.joined("turn-1", [agentMessage("a", "One ") as never]);
    const updates = [delta("a", "two "), delta("a", "three."), completed("a", "One two three.")]
      .flatMap((one) => messages.next(one))
      .map(short);
    expect(updates).toEqual(["started a", "delta a |One two three.", "completed a One two three."]);
  });

  test("though the server should have sent it, begins with its first text", () => {
    expect(lives(delta("a", "One"))).toEqual(["started a", "delta a |One"]);
  });
});

test("a message that goes on after the next one began is told again when it is whole", () => {
  const events = [started("a"), delta("a", "A"), started("b"), delta("a", "1"), delta("b", "B")];
  expect(lives(...events, completed("b", "B"), completed("a", "A1"))).toEqual([
    "started a",
    "delta a |A",
    "cut a A",
    "started b",
    "delta b |B",
    "completed b B",
    "started a",
    "delta a |A1",
    "completed a A1",
  ]);
});

test("the same id in another turn is another message", () => {
  const other = { turnId: "turn-2" };
  const later = event("item/completed", { ...other, item: agentMessage("a", "Two.") });
  const updates = read(started("a"), delta("a", "One"), later);
  expect(updates.map((update) => [update.turnId, short(update)])).toEqual([
    ["turn-1", "started a"],
    ["turn-1", "delta a |One"],
    ["turn-1", "cut a One"],
    ["turn-2", "started a"],
    ["turn-2", "delta a |Two."],
    ["turn-2", "completed a Two."],
  ]);
});

test("what is no message, or makes no sense, says nothing", () => {
  const command = { type: "commandExecution", id: "c" };
  expect(
    read(
      { method: "item/started" },
      { method: "item/completed", params: null },
      event("item/started", { item: command }),
      event("item/completed", { item: null }),
      event("item/completed", { item: { type: "agentMessage", id: "x" } }),
      event("item/agentMessage/delta", { itemId: "x", delta: 7 }),
      event("item/agentMessage/delta", { itemId: 7, delta: "x" }),
      delta("x", ""),
      { method: "turn/completed", params: { turn: null } },
      { method: "turn/completed", params: { turn: { id: 7, items: "none" } } },
      retry,
      event("turn/plan/updated", { plan: [] }),
    ),
  ).toEqual([]);
});
