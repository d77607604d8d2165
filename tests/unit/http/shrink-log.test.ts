import { describe, expect, test } from "@jest/globals";
import { eventFor, type LogEntry } from "../../../lib/http/streams/log-entry.js";
import { shrinkLog } from "../../../lib/http/streams/shrink-log.js";

type Part = { readonly type: string } & Readonly<Record<string, unknown>>;

function log(...parts: readonly Part[]): LogEntry[] {
  return parts.map((part, index) => ({
    seq: index + 1,
    type: part.type,
    data: JSON.stringify(part),
  }));
}

/** What a reader gets that has everything up to `after`. */
function seen(entries: readonly LogEntry[], after = 0): [number, Part][] {
  return entries
    .filter(({ seq }) => seq > after)
    .map((entry) => eventFor(entry, after))
    .map(({ seq, data }) => [seq, JSON.parse(data) as Part]);
}

const text = (delta: string, id = "m") => ({ type: "message-delta", id, delta });
const output = (delta: string, id = "c") => ({ type: "tool-output", id, delta });
const usage = (turn: number) => ({ type: "usage", turn });

describe("what is merged", () => {
  test("adjacent deltas of one message, also over a usage that a later one replaces", () => {
    const small = shrinkLog(log(text("Good "), usage(1), text("day"), usage(2), text(".")), 1e6);
    expect(seen(small)).toEqual([
      [3, text("Good day")],
      [4, usage(2)],
      [5, text(".")],
    ]);
  });

  test("a reader in the midst gets the rest, and one behind it nothing", () => {
    const small = shrinkLog(log(text("Good "), text("day"), text(".")), 1e6);
    expect(seen(small, 1)).toEqual([[3, text("day.")]]);
    expect(seen(small, 2)).toEqual([[3, text(".")]]);
    expect(seen(small, 3)).toEqual([]);
  });

  test("what was merged is merged again with what came since", () => {
    const once = shrinkLog(log(text("a"), text("b")), 1e6);
    const [, , third, fourth] = log(text(""), text(""), text("c"), text("d"));
    const twice = shrinkLog(
      [...once, third, fourth].flatMap((one) => one ?? []),
      1e6,
    );
    expect(seen(twice, 1)).toEqual([[4, text("bcd")]]);
    expect(seen(twice, 3)).toEqual([[4, text("d")]]);
  });

  test("not deltas of two messages, two sections, or two agents", () => {
    const origin = { threadId: "t", turnId: "u", parentThreadId: null, depth: 1 };
    const parts = [
      text("a"),
      text("b", "n"),
      { type: "reasoning-delta", id: "r", section: 0, delta: "c" },
      { type: "reasoning-delta", id: "r", section: 1, delta: "d" },
      output("e"),
      { ...output("f"), origin },
    ];
    expect(seen(shrinkLog(log(...parts), 1e6)).map(([, part]) => part)).toEqual(parts);
  });
});

describe("what goes without a word", () => {
  test("an older plan, diff and usage, each agent's own", () => {
    const origin = { threadId: "t", turnId: "u", parentThreadId: null, depth: 1 };
    const parts = [
      { type: "plan", steps: [] },
      { ...usage(1), origin },
      { type: "diff" },
      usage(2),
    ];
    const newer = [{ type: "plan", steps: ["x"] }, { type: "diff", diff: "x" }, usage(3)];
    const left = seen(shrinkLog(log(...parts, ...newer), 1e6)).map(([, part]) => part);
    expect(left).toEqual([{ ...usage(1), origin }, ...newer]);
  });

  test("the text of a message that was taken back, and output that the end brings whole", () => {
    const end = { type: "tool-end", id: "c", output: "all" };
    const reset = { type: "message-reset", id: "m" };
    const parts = [text("no"), output("al"), reset, text("yes"), output("l"), end];
    expect(seen(shrinkLog(log(...parts), 1e6)).map(([, part]) => part)).toEqual([
      reset,
      text("yes"),
      end,
    ]);
  });

  test("nothing else", () => {
    const parts = [
      { type: "start" },
      { type: "request", key: "k" },
      { type: "tool-end", id: "c" },
      { type: "warning", message: "w" },
      { type: "a-newer-one", id: "c" },
      { type: "a-newer-one", id: "c" },
    ];
    expect(seen(shrinkLog(log(...parts), 1e6)).map(([, part]) => part)).toEqual(parts);
  });
});

describe("what is dropped when that is not enough", () => {
  const long = "x".repeat(10_000);
  const parts = [
    { type: "start" },
    text("Hello."),
    output(long, "one"),
    text("How"),
    output(long, "two"),
    text(" are you?"),
    output(long, "three"),
  ];

  test("the oldest output, and a gap in the place of the last of it names it", () => {
    const small = shrinkLog(log(...parts), 15_000);
    expect(seen(small).map(([seq, { type }]) => [seq, type])).toEqual([
      [1, "start"],
      [2, "message-delta"],
      [4, "message-delta"],
      [5, "gap"],
      [6, "message-delta"],
      [7, "tool-output"],
    ]);
    expect(seen(small)[3]?.[1]).toEqual({ type: "gap", ids: ["one", "two"] });
  });

  test("a reader that has seen a part of it misses the rest only, or nothing", () => {
    const small = shrinkLog(log(...parts), 15_000);
    expect(seen(small, 3)[1]).toEqual([5, { type: "gap", ids: ["two"] }]);
    expect(seen(small, 5).map(([, { type }]) => type)).toEqual(["message-delta", "tool-output"]);
  });

  test("later gaps take up the earlier ones", () => {
    const once = shrinkLog(log(...parts), 15_000);
    const more = log(...parts, output(long, "four")).slice(-1);
    const twice = shrinkLog([...once, ...more], 12_000);
    const gaps = seen(twice).filter(([, { type }]) => type === "gap");
    expect(gaps).toEqual([[7, { type: "gap", ids: ["one", "two", "three"] }]]);
    expect(seen(twice, 4).find(([, { type }]) => type === "gap")?.[1]).toEqual({
      type: "gap",
      ids: ["two", "three"],
    });
  });

  test("of messages only when all output is gone, and never the start or the newest", () => {
    const small = shrinkLog(log(...parts, text(long), text(long, "last")), 100);
    expect(seen(small).map(([seq, { type }]) => [seq, type])).toEqual([
      [1, "start"],
      [8, "gap"],
      [9, "message-delta"],
    ]);
  });
});
