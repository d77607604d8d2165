import { expect, test } from "@jest/globals";
import { MessageTooLargeError } from "../../../lib/errors/connection-errors.js";
import { LineSplitter } from "../../../lib/jsonrpc/line-splitter.js";

const text = 'plain\n{"emoji":"\u{1F600}"}\n\nline\u2028and\u2029more\r\nnäher, 漢字\nrest';

/** Everything that comes out of these chunks, as lines, and what is left at the end. */
function split(chunks: readonly Buffer[], maxBytes = 1_000_000) {
  const splitter = new LineSplitter(maxBytes);
  const lines = chunks.flatMap((chunk) => splitter.push(chunk)?.split("\n") ?? []);
  return { lines, rest: splitter.flush() };
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const edges = [0, ...at, bytes.length];
  return edges.slice(1).map((end, index) => bytes.subarray(edges[index], end));
}

/** The same numbers in every run. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32;
    return state / 2 ** 32;
  };
}

const expected = { lines: text.split("\n").slice(0, -1), rest: "rest" };

test("only a newline ends a line", () => {
  expect(split([Buffer.from(text)])).toEqual(expected);
  expect(expected.lines).toContain("line\u2028and\u2029more\r");
});

test("the chunks may be cut anywhere, even inside a character", () => {
  const bytes = Buffer.from(text);
  for (let at = 0; at <= bytes.length; at += 1) expect(split(cut(bytes, [at]))).toEqual(expected);
  expect(split(Array.from(bytes, (byte) => Buffer.from([byte])))).toEqual(expected);
});

test("random chunks give the same lines", () => {
  const random = randomNumbers(7);
  const letters = ["a", "é", "漢", "\u{1F600}", "\u2028"];
  for (let round = 0; round < 300; round += 1) {
    const lines = Array.from({ length: 1 + Math.floor(random() * 20) }, () =>
      letters[Math.floor(random() * letters.length)]?.repeat(Math.floor(random() * 40)),
    );
    const bytes = Buffer.from(`${lines.join("\n")}\nrest`);
    const count = Math.floor(random() * 12);
    const at = Array.from({ length: count }, () => Math.floor(random() * bytes.length));
    const result = split(
      cut(
        bytes,
        at.sort((left, right) => left - right),
      ),
    );
    expect(result).toEqual(split([bytes]));
    expect(result.rest).toBe("rest");
    expect(result.lines).toHaveLength(lines.length);
  }
});

test("a chunk that ends no line gives undefined, one that only ends a line gives it", () => {
  const splitter = new LineSplitter(100);
  expect(splitter.push(Buffer.from("ab"))).toBeUndefined();
  expect(splitter.push(Buffer.from("c"))).toBeUndefined();
  expect(splitter.push(Buffer.from("\n"))).toBe("abc");
  expect(splitter.push(Buffer.from("\n"))).toBe("");
  expect(splitter.flush()).toBe("");
});

test("what is left is given once", () => {
  const splitter = new LineSplitter(100);
  splitter.push(Buffer.from("a\nhalf"));
  expect(splitter.flush()).toBe("half");
  expect(splitter.flush()).toBe("");
});

/** The lines that come out although one is too long. */
function splitUntilTooLong(chunks: readonly string[], maxBytes: number): string[] {
  const splitter = new LineSplitter(maxBytes);
  const lines = chunks.flatMap((chunk) => splitter.push(Buffer.from(chunk))?.split("\n") ?? []);
  expect(splitter.overflow).toBeInstanceOf(MessageTooLargeError);
  expect(splitter.flush()).toBe("");
  return lines;
}

test("a line over the limit is an error, whether it ends or not", () => {
  for (const chunks of [
    ["x".repeat(11)],
    ["x".repeat(6), "y".repeat(5)],
    ["x".repeat(6), "yyyyy\n"],
    [`${"x".repeat(11)}\n`],
    [`${"x".repeat(11)}\nnext\n`],
  ]) {
    expect(splitUntilTooLong(chunks, 10)).toEqual([]);
  }
  expect(split([Buffer.from("x".repeat(10))], 10).rest).toHaveLength(10);
  expect(split([Buffer.from(`${"x".repeat(10)}\n${"y".repeat(10)}`)], 10)).toEqual({
    lines: ["x".repeat(10)],
    rest: "y".repeat(10),
  });
});

test("the complete lines before a line over the limit come out, those behind it do not", () => {
  const long = "x".repeat(11);
  for (const chunks of [
    [`one\ntwo\n${long}`],
    [`one\ntwo\n${long}\nthree\n`],
    ["one\ntw", `o\n${long}\n`],
    ["one\ntwo\nxxx", "xxxxxxxx\nthree\n"],
    ["one\ntwo\n", long, "\nthree\n"],
  ]) {
    expect(splitUntilTooLong(chunks, 10)).toEqual(["one", "two"]);
  }
});

test("many short lines in one chunk are not one long one", () => {
  expect(split([Buffer.from("12345678\n".repeat(100))], 10).lines).toHaveLength(100);
});
