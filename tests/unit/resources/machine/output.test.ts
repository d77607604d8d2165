import { describe, expect, test } from "@jest/globals";
import { buffer, text } from "node:stream/consumers";
import { BacklogBudget } from "../../../../lib/async/backlog-budget.js";
import { OutputOverflowError, OutputStreamError } from "../../../../lib/errors/machine-errors.js";
import { OutputStream } from "../../../../lib/resources/machine/output-stream.js";
import { collect, rejection, settled } from "../../../support/collect.js";

function output({ maxCollectedBytes = 1_000, maxBacklogBytes = 1_000 } = {}) {
  const stream = new OutputStream({ maxCollectedBytes, maxBacklogBytes, streamOutput: true });
  const push = (...chunks: (string | number[])[]): void => {
    for (const chunk of chunks) stream.push(Buffer.from(chunk as string), false);
  };
  return { source: stream, push, stream };
}

const euro = [0xe2, 0x82, 0xac];

describe("bytes", () => {
  test("come as they were pushed, before and after the consumer", async () => {
    const { source, push, stream } = output();
    push([0, 255], "ab");
    const bytes = buffer(stream);
    await settled();
    push([10, 13, 128]);
    source.end();
    expect([...(await bytes)]).toEqual([0, 255, 97, 98, 10, 13, 128]);
  });

  test("have one consumer, also one that has left", async () => {
    const { push, stream } = output();
    push("a", "b");
    for await (const chunk of stream) {
      expect(Buffer.from(chunk).toString()).toBe("a");
      break;
    }
    for (const read of [() => stream.bytes(), () => stream.text(), () => stream.lines()]) {
      expect(read).toThrow(OutputStreamError);
    }
  });

  test("that nobody can get, since the server collects them, are refused", () => {
    const stream = new OutputStream({
      maxCollectedBytes: 0,
      maxBacklogBytes: 0,
      streamOutput: false,
    });
    expect(() => stream.bytes()).toThrow(OutputStreamError);
    expect(() => stream.lines()).toThrow(/streamOutput/);
  });

  test("that came before a failure come before it", async () => {
    const { source, push, stream } = output();
    const reason = new Error("lost");
    push("ab");
    source.end(() => reason);
    const seen: string[] = [];
    const reading = (async () => {
      for await (const piece of stream.text()) seen.push(piece);
    })();
    expect(await rejection(reading)).toBe(reason);
    expect(seen).toEqual(["ab"]);
  });
});

describe("text", () => {
  test("is decoded across chunks, whatever the cut", async () => {
    const all = Buffer.from("\uFEFFa€😀\n");
    for (let cut = 1; cut < all.length; cut += 1) {
      const { source, stream } = output();
      source.push(all.subarray(0, cut), false);
      source.push(all.subarray(cut), false);
      source.end();
      expect((await collect(stream.text())).join("")).toBe("\uFEFFa€😀\n");
    }
  });

  test("has the replacement character for what is not UTF-8, also at the end", async () => {
    const { source, push, stream } = output();
    push([97, 255, 98], euro.slice(0, 2));
    source.end();
    expect((await collect(stream.text())).join("")).toBe("a\uFFFDb\uFFFD");
  });
});

describe("lines", () => {
  test("are cut at line ends of either kind, across chunks, with or without the last one", async () => {
    const { source, push, stream } = output();
    push("one\ntw", "o\r", "\n\n", "€".slice(0, 1), " four");
    source.end();
    expect(await collect(stream.lines())).toEqual(["one", "two", "", "€ four"]);
    const ended = output();
    ended.push("a\n", "b\n");
    ended.source.end();
    expect(await collect(ended.stream.lines())).toEqual(["a", "b"]);
  });

  test("are not cut where only other programs see a line end", async () => {
    const { source, push, stream } = output();
    push("a\u2028b\rc\fd\n");
    source.end();
    expect(await collect(stream.lines())).toEqual(["a\u2028b\rc\fd"]);
  });

  test("that never end are not kept for ever", async () => {
    const { push, stream } = output({ maxBacklogBytes: 10 });
    const lines = stream.lines();
    const first = rejection(lines.next());
    for (let count = 0; count < 3; count += 1) {
      push("12345");
      await settled();
    }
    expect(await first).toMatchObject({ code: "OUTPUT_OVERFLOW", limitBytes: 10 });
  });
});

describe("the backlog", () => {
  test("is limited: what fits comes, then the error; the result is not affected", async () => {
    const { source, push, stream } = output({ maxBacklogBytes: 5 });
    push("abc", "de", "f", "g");
    source.end();
    const seen: string[] = [];
    const reading = (async () => {
      for await (const piece of stream.text()) seen.push(piece);
    })();
    expect(await rejection(reading)).toBeInstanceOf(OutputOverflowError);
    expect(seen).toEqual(["abc", "de"]);
    expect(source.collected()).toBe("abcdefg");
    expect(source.isTruncated).toBe(false);
  });

  test("is what waits, not what has passed", async () => {
    const { source, push, stream } = output({ maxBacklogBytes: 5 });
    const reading = text(stream);
    for (let count = 0; count < 10; count += 1) {
      push("abcde");
      await settled();
    }
    source.end();
    expect(await reading).toBe("abcde".repeat(10));
  });

  test("of a stream whose consumer has left is nothing", async () => {
    const { source, push, stream } = output({ maxBacklogBytes: 5 });
    push("abc");
    const iterator = stream.bytes();
    await iterator.next();
    await iterator.return?.();
    push("abcdef", "ghijkl");
    expect(await iterator.next()).toEqual({ value: undefined, done: true });
    expect(source.collected()).toBe("abcabcdefghijkl");
  });
});

describe("what is collected", () => {
  test("is the start of the stream, and says whether there was more", () => {
    const { source, push } = output({ maxCollectedBytes: 5 });
    push("abc", "de");
    expect([source.collected(), source.isTruncated]).toEqual(["abcde", false]);
    push("f");
    expect([source.collected(), source.isTruncated]).toEqual(["abcde", true]);
  });

  test("has no half characters where it was cut, but shows what was broken before", () => {
    const cut = output({ maxCollectedBytes: 5 });
    cut.push("abc", euro);
    expect([cut.source.collected(), cut.source.isTruncated]).toEqual(["abc", true]);
    const broken = output();
    broken.push("abc", euro.slice(0, 2));
    expect([broken.source.collected(), broken.source.isTruncated]).toEqual(["abc\uFFFD", false]);
  });

  test("may be nothing", () => {
    const { source, push } = output({ maxCollectedBytes: 0 });
    expect([source.collected(), source.isTruncated]).toEqual(["", false]);
    push("a");
    expect([source.collected(), source.isTruncated]).toEqual(["", true]);
  });

  test("is marked when the server has cut the stream", () => {
    const { source } = output();
    source.push(Buffer.from("abc"), true);
    expect([source.collected(), source.isTruncated]).toEqual(["abc", true]);
  });
});

test("output that comes byte by byte waits and is collected in larger pieces, none of it lost", async () => {
  const bytes = Buffer.alloc(200_000, "0123456789");
  const source = new OutputStream({
    maxCollectedBytes: 150_000,
    maxBacklogBytes: bytes.length,
    streamOutput: true,
  });
  for (let at = 0; at < bytes.length; at += 1) source.push(bytes.subarray(at, at + 1), false);
  source.end();
  const chunks = await collect(source.bytes());
  expect(Buffer.concat(chunks).equals(bytes)).toBe(true);
  expect(chunks.length).toBeLessThan(100);
  expect(Math.max(...chunks.map(({ length }) => length))).toBe(65_536);
  expect(source.collected()).toBe(bytes.toString("latin1", 0, 150_000));
});

describe("output that waits counts in the client's total", () => {
  const budgetOf = (maxBytes: number) => new BacklogBudget(maxBytes, () => new Error("too much"));

  test("until it is read, also what came before too much was waiting", async () => {
    const budget = budgetOf(1_000);
    const { source, push, stream } = output({ maxBacklogBytes: 10 });
    source.countIn(budget);
    push("12345", "67890", "beyond");
    expect(budget.bytes).toBe(10);
    const seen: string[] = [];
    const reading = (async () => {
      for await (const piece of stream.text()) seen.push(piece);
    })();
    expect(await rejection(reading)).toBeInstanceOf(OutputOverflowError);
    expect(seen).toEqual(["12345", "67890"]);
    expect(budget.bytes).toBe(0);
  });

  test("until its reader leaves", async () => {
    const budget = budgetOf(1_000);
    const { source, push, stream } = output();
    source.countIn(budget);
    push("12345", "67890");
    for await (const chunk of stream) {
      expect(chunk).toHaveLength(5);
      expect(budget.bytes).toBe(5);
      break;
    }
    push("more");
    expect(budget.bytes).toBe(0);
  });

  test("and is not dropped in silence when the command has ended", async () => {
    const budget = budgetOf(10);
    const ended = output();
    ended.source.countIn(budget);
    ended.push("12345678");
    ended.source.end();
    const other = output();
    other.source.countIn(budget);
    other.push("123");
    expect(await rejection(collect(ended.stream.text()))).toEqual(new Error("too much"));
    expect(ended.source.collected()).toBe("12345678");
    other.source.end();
    expect(await collect(other.stream.text())).toEqual(["123"]);
  });
});
