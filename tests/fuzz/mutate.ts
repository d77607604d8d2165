import { mutateJson } from "./mutate-json.js";
import type { Random } from "./random.js";

const maxBytes = 65_536;
const newline = 10;

/** An input with one to eight things changed in it; `others` are there to take parts from. */
export function mutate(input: Buffer, others: readonly Buffer[], random: Random): Buffer {
  let bytes: Buffer = Buffer.from(input);
  for (let left = 1 + random.below(8); left > 0; left -= 1) {
    bytes = random.pick(mutators)(bytes, random, random.pick(others) ?? bytes);
    if (bytes.length > maxBytes) bytes = bytes.subarray(0, maxBytes);
  }
  return bytes;
}

type Mutator = (bytes: Buffer, random: Random, other: Buffer) => Buffer;

const interestingBytes = [
  0, 0x09, 0x0a, 0x0d, 0x20, 0x22, 0x5c, 0x7b, 0x7d, 0x80, 0xc0, 0xed, 0xff,
] as const;

const interestingTexts = [
  "\n",
  "\r\n",
  "\u2028",
  "\u0000",
  "\ufeff",
  "\u001b[31m",
  '"id":',
  '"method":',
  '"result":null',
  '"error":{}',
  '"__proto__":{}',
  '"constructor":',
  "{}",
  "[]",
  "null",
  "\\ud800",
  "1e999",
  "-0",
  '{"id":1,"result":{}}\n',
  '{"method":"turn/completed","params":{"threadId":"thread-1","turn":{"id":"turn-1"}}}\n',
] as const;

/** On bytes, as if nothing were known of them. */
const flipBit: Mutator = (bytes, random) => {
  const at = random.below(bytes.length);
  if (bytes.length > 0) bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  return bytes;
};

const setByte: Mutator = (bytes, random) => {
  if (bytes.length > 0) bytes[random.below(bytes.length)] = random.pick(interestingBytes);
  return bytes;
};

const insertText: Mutator = (bytes, random) => {
  const at = random.below(bytes.length + 1);
  const text = Buffer.from(random.pick(interestingTexts));
  return Buffer.concat([bytes.subarray(0, at), text, bytes.subarray(at)]);
};

const cutOut: Mutator = (bytes, random) => {
  const [from, to] = range(bytes, random);
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
};

const repeat: Mutator = (bytes, random) => {
  const [from, to] = range(bytes, random);
  const part = bytes.subarray(from, to);
  const copies = Array<Buffer>(1 + random.below(4)).fill(part);
  return Buffer.concat([bytes.subarray(0, to), ...copies, bytes.subarray(to)]);
};

const truncate: Mutator = (bytes, random) => bytes.subarray(0, random.below(bytes.length + 1));

const splice: Mutator = (bytes, random, other) => {
  const [from, to] = range(other, random);
  const at = random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), other.subarray(from, to), bytes.subarray(at)]);
};

/** On lines. */
const shuffleLines: Mutator = (bytes, random) => {
  const lines = linesOf(bytes);
  const [one, other] = [random.below(lines.length), random.below(lines.length)];
  const moved = lines.with(one, lines[other] ?? "").with(other, lines[one] ?? "");
  return Buffer.from(moved.join("\n"), "latin1");
};

const repeatLine: Mutator = (bytes, random) => {
  const lines = linesOf(bytes);
  const line = random.pick(lines) ?? "";
  return Buffer.from(lines.toSpliced(random.below(lines.length + 1), 0, line).join("\n"), "latin1");
};

const takeLine: Mutator = (bytes, random, other) => {
  const lines = linesOf(bytes);
  const line = random.pick(linesOf(other)) ?? "";
  return Buffer.from(lines.toSpliced(random.below(lines.length + 1), 0, line).join("\n"), "latin1");
};

/** On the messages that the lines are. */
const changeMessage: Mutator = (bytes, random) => {
  const lines = linesOf(bytes);
  const at = random.below(lines.length);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(lines[at] ?? "", "latin1").toString());
  } catch {
    return bytes;
  }
  const line = Buffer.from(mutateJson(value, random)).toString("latin1");
  return Buffer.from(lines.with(at, line).join("\n"), "latin1");
};

const mutators: readonly [Mutator, ...Mutator[]] = [
  flipBit,
  setByte,
  insertText,
  cutOut,
  repeat,
  truncate,
  splice,
  shuffleLines,
  repeatLine,
  takeLine,
  // What is still a message gets further than what is none.
  changeMessage,
  changeMessage,
  changeMessage,
  changeMessage,
  changeMessage,
  changeMessage,
  changeMessage,
];

function range(bytes: Buffer, random: Random): [number, number] {
  const from = random.below(bytes.length + 1);
  return [from, Math.min(bytes.length, from + random.below(200))];
}

/** As Latin-1, in which every byte is a character. */
function linesOf(bytes: Buffer): string[] {
  const text = bytes.toString("latin1");
  return text.split(String.fromCharCode(newline));
}
