import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { AnswerText } from "../../../lib/turns/answer-text.js";
import { MessageUpdates } from "../../../lib/turns/message-updates.js";
import type { SomeEvent } from "../../../lib/messages/superseding.js";
import { agentMessage, type Params } from "../../support/turn-messages.js";

let turnId = "turn-1";
const event = (method: string, params: Params): SomeEvent => ({
  method,
  params: { threadId: "thread-1", turnId, ...params },
});

interface Said {
  readonly id?: string;
  readonly phase?: string | null;
  /** How the message ends. */
  readonly then?: "completed" | "retry" | "steer" | "nothing";
  /** What `item/completed` says it is, when that is not known at the start. */
  readonly endPhase?: string | null;
}

let made = 0;

/** The events of a message that comes in these pieces. */
function say(
  pieces: readonly string[],
  { phase = "final_answer", ...said }: Said = {},
): SomeEvent[] {
  const { id = `msg-${(made += 1)}`, then = "completed", endPhase = phase } = said;
  const ends = {
    completed: [event("item/completed", { item: agentMessage(id, pieces.join(""), endPhase) })],
    retry: [event("error", { willRetry: true, error: { message: "Reconnecting... 1/5" } })],
    steer: [event("item/started", { item: { type: "userMessage", id: "user", content: [] } })],
    nothing: [],
  };
  return [
    event("item/started", { item: agentMessage(id, "", phase) }),
    ...pieces.map((delta) => event("item/agentMessage/delta", { itemId: id, delta })),
    ...ends[then],
  ];
}

function textsOf(events: readonly SomeEvent[], wanted: "answer" | "all" = "answer"): string[] {
  const messages = new MessageUpdates();
  const text = new AnswerText();
  return events
    .flatMap((one) => {
      text.observe(one);
      return messages.next(one).map((update) => text.next(update, wanted));
    })
    .filter((piece) => piece !== "");
}

const end = () => event("turn/completed", { turn: { id: turnId, items: [] } });

describe("which messages", () => {
  const mixed = () => [
    ...say(["Look", "ing."], { phase: "commentary" }),
    ...say(["Nearly."], { phase: "partial_answer" }),
    ...say(["Fo", "und."]),
  ];

  test("the final answer only", () => {
    expect(textsOf(mixed())).toEqual(["Fo", "und."]);
  });

  test("all of them, parted by blank lines, when they are asked for", () => {
    expect(textsOf(mixed(), "all").join("")).toBe("Looking.\n\nNearly.\n\nFound.");
  });

  test("those without a mark, parted by blank lines", () => {
    const unmarked = [
      ...say(["Look", "ing."], { phase: null }),
      ...say(["Found."], { phase: null }),
    ];
    expect(textsOf(unmarked)).toEqual(["Look", "ing.", "\n\nFound."]);
  });

  test("one whose mark comes late, and one that turns out to be a remark", () => {
    const late = say(["Fou", "nd."], { phase: "commentary", endPhase: "final_answer" });
    expect(textsOf(late)).toEqual(["Found."]);
    const remark = say(["Hm."], { phase: null, endPhase: "commentary" });
    expect(textsOf([...remark, ...say(["Found."])])).toEqual(["Hm.", "\n\nFound."]);
  });

  test("none that is empty", () => {
    expect(textsOf([...say([]), ...say(["A"]), ...say([""]), ...say(["B"])])).toEqual([
      "A",
      "\n\nB",
    ]);
  });
});

describe.each(["retry", "steer"] as const)("a message that is cut by a %s", (then) => {
  test("goes on where it broke off, when the next one begins like it", () => {
    const events = [...say(["Half ", "of "], { then }), ...say(["Half", " of it", ", whole."])];
    expect(textsOf(events)).toEqual(["Half ", "of ", "it", ", whole."]);
  });

  test("is followed by a blank line, when the next one is another", () => {
    const events = [...say(["Half ", "of "], { then }), ...say(["Half", " or", " more."])];
    expect(textsOf(events)).toEqual(["Half ", "of ", "\n\nHalf or", " more."]);
  });

  test("may break off several times, at any place", () => {
    const events = [
      ...say(["Half "], { then }),
      ...say(["Ha"], { then }),
      ...say([], { then }),
      ...say(["Half of "], { then }),
      ...say(["Half", " "], { then }),
      ...say(["Half of it."]),
    ];
    expect(textsOf(events)).toEqual(["Half ", "of ", "it."]);
  });

  test("is the last one only of several that differ", () => {
    const events = [...say(["One "], { then }), ...say(["Two "], { then }), ...say(["Two three."])];
    expect(textsOf(events)).toEqual(["One ", "\n\nTwo ", "three."]);
  });

  test("does not take a message before it, or a remark, for its own beginning", () => {
    const events = [
      ...say(["Same."]),
      ...say(["Same"], { phase: "commentary", then }),
      ...say(["Same."]),
    ];
    expect(textsOf(events)).toEqual(["Same.", "\n\nSame."]);
  });

  test("is not waited for, when the next one is shorter than what was yielded", () => {
    const events = [...say(["Half of it"], { then }), ...say(["Half"]), ...say(["More."])];
    expect(textsOf(events)).toEqual(["Half of it", "\n\nHalf", "\n\nMore."]);
    const bare = [...say(["Half of "], { then }), ...say(["Half of"]), ...say(["More."])];
    expect(textsOf(bare)).toEqual(["Half of ", "\n\nMore."]);
  });

  test("comes again whole, without deltas, or under the same id", () => {
    const whole = [...say(["Half "], { then }), ...say(["Half of it."]).slice(-1)];
    expect(textsOf(whole)).toEqual(["Half ", "of it."]);
    const same = [...say(["Half "], { id: "a", then }), ...say(["Half of it."], { id: "a" })];
    expect(textsOf(same)).toEqual(["Half ", "of it."]);
  });

  test("is left as it is when the turn ends, and the next turn begins behind a blank line", () => {
    const first = [...say(["Half "], { then }), end()];
    turnId = "turn-2";
    const second = [...say(["Half of it."]), end()];
    turnId = "turn-1";
    expect(textsOf([...first, ...second])).toEqual(["Half ", "\n\nHalf of it."]);
  });
});

test("a whole message that comes again after a retry is not yielded twice", () => {
  const retry = event("error", { willRetry: true, error: { message: "Reconnecting... 1/5" } });
  const before = [...say(["Half of"]), retry];
  expect(textsOf([...before, ...say(["Half of it."])])).toEqual(["Half of", " it."]);
  expect(textsOf([...before, ...say(["More."])])).toEqual(["Half of", "\n\nMore."]);
  const command = event("item/started", { item: { type: "commandExecution", id: "c" } });
  const later = [...say(["OK."]), command, retry, ...say(["OK."])];
  expect(textsOf(later)).toEqual(["OK.", "\n\nOK."]);
});

test("whatever breaks off, the text ends with the last answer, and repeats nothing before it", () => {
  const word = fc.constantFrom("a", "ab", "b", " ", "\n", "🙂");
  const pieces = fc.array(word, { maxLength: 5 });
  const answered = pieces.filter((list) => list.join("").trim() !== "");
  const attempt = fc.record({
    pieces,
    then: fc.constantFrom("completed", "retry", "steer" as const),
    phase: fc.constantFrom("final_answer", "final_answer", "commentary", null),
  });
  fc.assert(
    fc.property(fc.array(attempt, { maxLength: 6 }), answered, (list, last) => {
      const before = list.flatMap((one) => say(one.pieces, one));
      const text = textsOf([...before, ...say(last)]).join("");
      const answer = last.join("");
      // White space at the end of a message may be lost when it is said again.
      const blocks = text.trimEnd();
      expect(blocks.endsWith(answer.trimEnd())).toBe(true);
      const rest = blocks.slice(0, blocks.length - answer.trimEnd().length);
      expect(rest === "" || rest.endsWith("\n\n")).toBe(true);
    }),
    { numRuns: 500 },
  );
});
