import { describe, expect, test } from "@jest/globals";
import { runInNewContext } from "node:vm";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import { configArgs, type ConfigObject } from "../../../lib/runtime/config-args.js";

/** The assignments alone; that a `-c` stands before each is tested once. */
function assignments(config: unknown): string[] {
  return configArgs(config as ConfigObject).filter((_argument, index) => index % 2 === 1);
}

function refusal(config: unknown): InvalidArgumentError {
  try {
    configArgs(config as ConfigObject);
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error;
    throw error;
  }
  throw new Error("expected a refusal");
}

describe("flattening", () => {
  test("gives each leaf an argument of its own, in order", () => {
    expect(configArgs({ model: "m", features: { a: true, b: false } })).toEqual([
      "-c",
      'model="m"',
      "-c",
      "features.a=true",
      "-c",
      "features.b=false",
    ]);
  });

  test("of nothing is nothing", () => {
    expect(configArgs({})).toEqual([]);
  });

  test("leaves out what is undefined", () => {
    expect(assignments({ a: undefined, b: { c: undefined, d: 1 } })).toEqual(["b.d=1"]);
  });

  test("keeps an empty table", () => {
    expect(assignments({ a: {}, b: { c: {} } })).toEqual(["a={}", "b.c={}"]);
  });

  test("writes a table as a whole when a key of it cannot stand in a path", () => {
    expect(
      assignments({ projects: { "/home/me/a.b": { trust_level: "trusted" }, x: 1 }, y: { z: 2 } }),
    ).toEqual(['projects={"/home/me/a.b"={trust_level="trusted"},x=1}', "y.z=2"]);
  });

  test("writes only the innermost table with such a key as a whole", () => {
    expect(assignments({ a: { b: { "c d": 1 }, e: 2 } })).toEqual(['a.b={"c d"=1}', "a.e=2"]);
  });

  test("fits into arguments wherever each of its values does, however large they are together", () => {
    const servers = Object.fromEntries(
      Array.from({ length: 8 }, (_, index) => [`s${index}`, { args: ["x".repeat(20_000)] }]),
    );
    const longest = Math.max(...assignments({ mcp_servers: servers }).map(({ length }) => length));
    // Linux starts no program with an argument of 128 KiB or more.
    expect(longest).toBeLessThan(131_072);
  });

  test("takes __proto__ as a key like any other", () => {
    expect(assignments(JSON.parse('{"a":{"__proto__":{"b":1}}}'))).toEqual(["a.__proto__.b=1"]);
  });

  test("takes plain objects without a prototype and of another realm", () => {
    const bare = Object.assign(Object.create(null) as object, { b: 1 });
    expect(assignments({ a: bare })).toEqual(["a.b=1"]);
    expect(assignments({ a: runInNewContext("({ b: [1] })") as unknown })).toEqual(["a.b=[1]"]);
  });

  test("allows one object in two places", () => {
    const shared = { x: 1 };
    expect(assignments({ a: shared, b: shared, c: [shared, shared] })).toEqual([
      "a.x=1",
      "b.x=1",
      "c=[{x=1},{x=1}]",
    ]);
  });
});

describe("values", () => {
  test.each<[unknown, string]>([
    ["", '""'],
    ['say "hi" \\ bye', '"say \\"hi\\" \\\\ bye"'],
    ["a\tb\nc\r\u0000\u001b\u007f\u0085", '"a\\tb\\nc\\r\\u0000\\u001b\\u007f\\u0085"'],
    ["\u2028\u2029\ufeff", '"\\u2028\\u2029\\ufeff"'],
    ["é 😀 '#=", '"é 😀 \'#="'],
    [1, "1"],
    [-0, "0"],
    [1.5, "1.5"],
    [1e-7, "1e-7"],
    [2 ** 53 + 2, "9007199254740994"],
    [-(2 ** 63), "-9223372036854775808"],
    [2 ** 63, "9223372036854776000.0"],
    [1e20, "100000000000000000000.0"],
    [1e21, "1e+21"],
    [2n ** 63n - 1n, "9223372036854775807"],
    [true, "true"],
    [[], "[]"],
    [[1, "a", [true], { b: 1, "c.d": [] }], '[1,"a",[true],{b=1,"c.d"=[]}]'],
    [[{ a: undefined }], "[{}]"],
  ])("%j is written as %s", (value, literal) => {
    expect(assignments({ a: value })).toEqual([`a=${literal}`]);
  });

  test.each<[string, unknown, string]>([
    ["null", { a: { b: null } }, "config.a.b must not be null, which TOML cannot say."],
    ["NaN", { a: NaN }, "config.a must be a finite number."],
    ["Infinity", { a: [0, -Infinity] }, "config.a[1] must be a finite number."],
    ["a bigint of more than 64 bits", { a: 2n ** 63n }, "config.a must fit into 64 bits."],
    ["an unpaired surrogate", { a: "x\ud800" }, "config.a must be well-formed text"],
    [
      "an unpaired surrogate in a key",
      { a: { "\udc00": 1 } },
      'config.a["\\udc00"] must be well-formed',
    ],
    [
      "a function",
      { a: { b: () => 1 } },
      "config.a.b must be a string, number, boolean, array or plain object, not function.",
    ],
    ["a symbol", { a: Symbol("s") }, "not symbol."],
    ["undefined in an array", { a: [1, undefined] }, "config.a[1] must be a string"],
    ["a hole in an array", { a: new Array(1) }, "config.a[0] must be a string"],
    ["a date", { a: new Date(0) }, "config.a must be a plain object"],
    [
      "a map in an array",
      { a: { "b.c": [new Map()] } },
      'config.a["b.c"][0] must be a plain object',
    ],
    ["an array as the whole", [], "config must be a plain object"],
    ["a key with a dot at the top", { "a.b": 1 }, 'config["a.b"] cannot be a key'],
    ["a key that looks like an option", { "-a": 1 }, "config.-a cannot be a key"],
  ])("refuses %s, naming the place", (_name, config, message) => {
    expect(refusal(config).message).toContain(message);
  });

  test("refuses a table or an array that contains itself", () => {
    const table: Record<string, unknown> = { b: {} };
    table.b = { c: table };
    expect(refusal({ a: table })).toMatchObject({
      argument: "config.a.b.c",
      message: "config.a.b.c must not contain itself.",
    });
    const array: unknown[] = [];
    array.push(array);
    expect(refusal({ a: array }).argument).toBe("config.a[0]");
  });

  test("refuses more than 64 levels, which the server would silently take as a string", () => {
    const nested = (levels: number): unknown =>
      Array.from({ length: levels }).reduce<unknown>((inner) => [inner], 1);
    expect(assignments({ a: nested(63) })).toHaveLength(1);
    expect(refusal({ a: nested(64) }).message).toContain("nested more than 64 levels deep");
  });

  test("never puts a value into a message", () => {
    const { message, stack } = refusal({ auth: { secret: "hunter2\ud800" } });
    expect(message).toContain("config.auth.secret");
    expect(`${message}${String(stack)}`).not.toContain("hunter2");
  });
});
