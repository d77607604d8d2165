import type { Random } from "./random.js";

/** Stands for what JSON.stringify would not write, such as a number that is too large. */
const raw = [
  "1e999",
  "-1e999",
  "1e-999",
  "12345678901234567890",
  '{"__proto__":{"polluted":true}}',
] as const;

const scalars: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1,
  0.5,
  2 ** 31,
  2 ** 53,
  -(2 ** 63),
  "",
  " ",
  "0",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "then",
  "turn-1",
  "thread-1",
  "thread-2",
  "item-1",
  "\ud800",
  "\u2028\n",
  "x".repeat(2_000),
  [],
  {},
  [[]],
  { length: 1e9 },
  { toString: 1, valueOf: 1 },
  { then: 1 },
  [null],
  "completed",
  "failed",
  "interrupted",
  "agentMessage",
  "fileChange",
  "collabAgentToolCall",
  "turn/completed",
  "item/started",
  "item/completed",
  "turn/started",
  "item/commandExecution/requestApproval",
  "serverRequest/resolved",
  "error",
];

const names = [
  "__proto__",
  "constructor",
  "toString",
  "id",
  "method",
  "params",
  "result",
  "error",
  "threadId",
  "turnId",
  "itemId",
  "item",
  "turn",
  "thread",
  "status",
  "type",
  "delta",
  "items",
  "requestId",
  "novel",
] as const;

type Place = { holder: Record<string, unknown>; key: string };

/** The message, as JSON, with one thing changed in it. */
export function mutateJson(message: unknown, random: Random): string {
  const root: Record<string, unknown> = { "": structuredClone(message) };
  const place = random.pick(placesIn(root)) ?? { holder: root, key: "" };
  const { holder, key } = place;
  switch (random.below(6)) {
    case 0:
      Reflect.deleteProperty(holder, key);
      break;
    case 1: {
      const moved = holder[key];
      Reflect.deleteProperty(holder, key);
      define(holder, random.pick(names), moved);
      break;
    }
    case 2: {
      const other = random.pick(placesIn(root));
      const value = other ? other.holder[other.key] : random.pick(scalars);
      define(holder, random.pick(names), structuredClone(value));
      break;
    }
    case 3: {
      let nested: unknown = holder[key];
      for (let depth = random.below(40); depth > 0; depth -= 1)
        nested = random.below(2) ? [nested] : { a: nested };
      define(holder, key, nested);
      break;
    }
    case 4:
      return write(root, place, random.pick(raw));
    default:
      define(holder, key, structuredClone(random.pick(scalars)));
  }
  return encode(root[""]);
}

/** Nothing at all has no JSON. */
function encode(value: unknown): string {
  return JSON.stringify(value ?? null);
}

function define(holder: object, key: string, value: unknown): void {
  Object.defineProperty(holder, key, {
    value,
    enumerable: true,
    configurable: true,
    writable: true,
  });
}

/** Every place in it that holds a value, the whole included. */
function placesIn(root: Record<string, unknown>): Place[] {
  const places: Place[] = [];
  const open: Record<string, unknown>[] = [root];
  for (let holder = open.pop(); holder; holder = open.pop()) {
    for (const key of Object.keys(holder)) {
      places.push({ holder, key });
      const inner = holder[key];
      if (typeof inner === "object" && inner !== null) open.push(inner as Record<string, unknown>);
    }
  }
  return places;
}

function write(root: Record<string, unknown>, { holder, key }: Place, text: string): string {
  const mark = "\u0001here\u0001";
  define(holder, key, mark);
  return encode(root[""]).replace(JSON.stringify(mark), () => text);
}
