import { describe, expect, test } from "@jest/globals";
import { readFile } from "node:fs/promises";
import { InvalidArgumentError } from "../../../lib/errors/invalid-argument-error.js";
import { contentFields, isContent } from "../../../lib/messages/content-fields.js";
import { encodeParams, encodeResult } from "../../../lib/jsonrpc/encoded.js";

const high = "cut \ud83d";
const low = "\ude00 cut";
const whole = "whole \ud83d\ude00";
const typed = String.raw`typed \ud83d`;

function written(method: string, params: unknown): unknown {
  return JSON.parse(encodeParams(method, params, { maxBytes: Infinity, isContent }).json);
}

function answered(method: string, result: unknown): unknown {
  return JSON.parse(encodeResult(method, result, isContent).json);
}

function refusal(attempt: () => unknown): InvalidArgumentError {
  try {
    attempt();
  } catch (error) {
    if (error instanceof InvalidArgumentError) return error;
    throw error;
  }
  throw new Error("it was not refused");
}

const input = (text: string) => ({ threadId: "t", input: [{ type: "text", text }] });

describe("text with half of a surrogate pair", () => {
  test.each([
    [high, "cut \ufffd"],
    [low, "\ufffd cut"],
    [`${low}${high}`, "\ufffd cutcut \ufffd"],
    ["\ude00\ud83d", "\ufffd\ufffd"],
    [`${whole}${high}${typed}`, `${whole}cut \ufffd${typed}`],
  ])("is repaired where it is content: %j", (text, repaired) => {
    expect(written("turn/start", input(text))).toEqual(input(repaired));
  });

  test.each<[string, unknown, unknown]>([
    ["turn/steer", input(high), input("cut \ufffd")],
    ["thread/queue/add", input(high), input("cut \ufffd")],
    ["thread/start", { developerInstructions: high }, { developerInstructions: "cut \ufffd" }],
    [
      "thread/start",
      { config: { developer_instructions: high } },
      { config: { developer_instructions: "cut \ufffd" } },
    ],
    [
      "thread/start",
      { dynamicTools: [{ name: "a", inputSchema: { properties: { b: { description: high } } } }] },
      {
        dynamicTools: [
          { name: "a", inputSchema: { properties: { b: { description: "cut \ufffd" } } } },
        ],
      },
    ],
    [
      "turn/start",
      { outputSchema: { description: low } },
      { outputSchema: { description: "\ufffd cut" } },
    ],
    [
      "thread/inject_items",
      { items: [{ content: [{ text: high }], output: low }] },
      { items: [{ content: [{ text: "cut \ufffd" }], output: "\ufffd cut" }] },
    ],
    ["thread/goal/set", { objective: high }, { objective: "cut \ufffd" }],
    [
      "review/start",
      { target: { instructions: high } },
      { target: { instructions: "cut \ufffd" } },
    ],
  ])("is repaired in %s: %j", (method, params, repaired) => {
    expect(written(method, params)).toEqual(repaired);
  });

  test.each<[string, unknown, string]>([
    ["thread/name/set", { threadId: "t", name: high }, "name"],
    ["thread/name/set", { threadId: low, name: "a" }, "threadId"],
    ["thread/start", { cwd: `/tmp/${high}` }, "cwd"],
    ["thread/start", { config: { model: high } }, "config.model"],
    ["thread/start", { config: { mcp_servers: { [high]: {} } } }, "config.mcp_servers"],
    ["thread/start", { dynamicTools: [{ name: high }] }, "dynamicTools[0].name"],
    ["turn/start", { input: [{ type: "skill", name: "a", path: high }] }, "input[0].path"],
    ["turn/start", { outputSchema: { enum: ["a", high] } }, "outputSchema.enum[1]"],
    ["turn/start", { outputSchema: { properties: { [high]: {} } } }, "outputSchema.properties"],
    ["turn/start", { additionalContext: { "not a name": { name: high } } }, "additionalContext"],
    ["thread/shellCommand", { command: `echo ${high}` }, "command"],
    ["command/exec", { command: ["echo", high] }, "command[1]"],
    ["command/exec", { command: ["env"], env: { TERM: high } }, "env.TERM"],
    ["config/value/write", { keyPath: "a", value: high }, "value"],
    ["some/newMethod", { text: high }, "text"],
    ["some/newMethod", { [high]: 1 }, "params of some/newMethod"],
  ])("is refused in %s: %j", (method, params, argument) => {
    const error = refusal(() => written(method, params));
    expect(error).toMatchObject({ argument, sent: false });
    expect(error.message).not.toContain("cut \ud83d");
  });

  test.each<[string, unknown, unknown]>([
    [
      "item/tool/call",
      { success: true, contentItems: [{ type: "inputText", text: high }] },
      { success: true, contentItems: [{ type: "inputText", text: "cut \ufffd" }] },
    ],
    [
      "item/tool/requestUserInput",
      { answers: { q: { answers: [high] } } },
      { answers: { q: { answers: ["cut \ufffd"] } } },
    ],
    [
      "mcpServer/elicitation/request",
      { action: "accept", content: { a: [{ b: high }] } },
      { action: "accept", content: { a: [{ b: "cut \ufffd" }] } },
    ],
  ])("is repaired in an answer to %s", (method, result, repaired) => {
    expect(answered(method, result)).toEqual(repaired);
  });

  test.each<[string, unknown, string]>([
    [
      "item/tool/call",
      { contentItems: [{ type: "inputImage", imageUrl: high }] },
      "contentItems[0].imageUrl",
    ],
    ["mcpServer/elicitation/request", { content: { [high]: 1 } }, "content"],
    [
      "item/commandExecution/requestApproval",
      { decision: { acceptWithExecpolicyAmendment: { execpolicy_amendment: [high] } } },
      "decision.acceptWithExecpolicyAmendment.execpolicy_amendment[0]",
    ],
    ["account/chatgptAuthTokens/refresh", { accessToken: high }, "accessToken"],
  ])("is refused in an answer to %s: %j", (method, result, argument) => {
    expect(refusal(() => answered(method, result))).toMatchObject({ argument });
  });

  test("is told from what only looks like it, which is written as it is", () => {
    for (const text of [whole, typed, String.raw`\\ud83d`, "\\", "\u0000\uffff", "\ud83d\ude00"]) {
      const params = { name: text, [`key ${text}`]: text };
      expect(encodeParams("thread/name/set", params, { maxBytes: Infinity, isContent }).json).toBe(
        JSON.stringify(params),
      );
    }
  });

  test("makes a method no name", () => {
    expect(refusal(() => written(`model/list${high}`, {}))).toMatchObject({ argument: "method" });
  });

  test("does not have what was written asked again", () => {
    let asked = 0;
    const text = { toJSON: () => `${high}${(asked += 1)}` };
    expect(written("turn/start", { input: [{ text }] })).toEqual({
      input: [{ text: "cut \ufffd1" }],
    });
    expect(asked).toBe(1);
  });
});

describe("the fields of content", () => {
  test("are all fields of the protocol", async () => {
    const fields = await textFields();
    const unknown = Object.entries(contentFields).flatMap(([method, paths]) =>
      paths
        .filter((path) => !path.includes("**") && !path.startsWith("config."))
        .filter((path) => !fields.get(method)?.has(path))
        .map((path) => `${method}: ${path}`),
    );
    expect(unknown).toEqual([]);
  });
});

const lists = (levels: number): unknown => JSON.parse("[".repeat(levels) + "]".repeat(levels));
const objects = (levels: number): unknown =>
  JSON.parse(`${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`);

describe("nesting", () => {
  test.each([lists, objects])(
    "is taken as deep as the server reads, and no deeper: %p",
    (nested) => {
      const params = (levels: number) => ({ keyPath: "a", value: nested(levels), more: [[[]]] });
      expect(written("config/value/write", params(125))).toEqual(params(125));
      for (const levels of [126, 127, 200, 5_000, 100_000]) {
        const error = refusal(() => written("config/value/write", params(levels)));
        expect([levels, error.argument]).toEqual([levels, "value"]);
        expect(error.message).toContain("nested too deep");
      }
    },
  );

  test("is counted in what holds, not in text, and not one beside the other", () => {
    const brackets = `${"[{".repeat(200)}"\\\\"\\`;
    const params = {
      text: brackets,
      [brackets]: Array.from({ length: 300 }, () => [{}, [brackets]]),
    };
    expect(written("some/newMethod", params)).toEqual(params);
    const deep = { ...params, value: lists(126) };
    expect(refusal(() => written("some/newMethod", deep)).argument).toBe("value");
  });

  test("of what a toJSON gives is counted, too", () => {
    const value = (levels: number) => [{ toJSON: () => lists(levels), nested: lists(300) }];
    expect(written("some/newMethod", { value: value(124) })).toEqual({ value: [lists(124)] });
    expect(refusal(() => written("some/newMethod", { value: value(125) })).argument).toBe("value");
  });

  test("does not count what is inherited, and not written", () => {
    const value = Object.create({ inherited: lists(200) }) as Record<string, unknown>;
    value["own"] = "x".repeat(300);
    expect(written("some/newMethod", { value })).toEqual({ value: { own: "x".repeat(300) } });
  });

  test("of an answer is counted, too", () => {
    const answer = (levels: number) => ({ action: "accept", content: { a: lists(levels) } });
    const method = "mcpServer/elicitation/request";
    expect(answered(method, answer(124))).toEqual(answer(124));
    expect(refusal(() => answered(method, answer(125))).argument).toBe("content");
  });
});

describe("what cannot be written", () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;

  test.each<[string, unknown]>([
    ["holds itself", cycle],
    ["is a BigInt", 1n],
    ["holds a BigInt", { deep: [1n] }],
    [
      "has a toJSON that throws",
      {
        toJSON: () => {
          throw new RangeError("Invalid time value");
        },
      },
    ],
  ])("is refused when it %s", (_, value) => {
    const error = refusal(() => written("config/value/write", { keyPath: "a", value }));
    expect(error).toMatchObject({
      argument: "params of config/value/write",
      sent: false,
      cause: expect.any(Error) as unknown,
    });
    expect(error.message).toContain("cannot be written as JSON");
  });

  test.each([[() => 1], [Symbol("x")], [[1]], ["text"], [7]])(
    "as an object is refused: %p",
    (params) => {
      expect(refusal(() => written("model/list", params))).toMatchObject({
        argument: "params of model/list",
      });
    },
  );
});

interface Schema {
  readonly $ref?: string;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema | boolean;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
}

/** The places of text, by method: in the params of requests, and in answers to requests of the server. */
async function textFields(): Promise<Map<string, Set<string>>> {
  const methods = await readSchemas<{
    clientRequests: Record<string, { params: string | null }>;
    serverRequests: Record<string, { result: string }>;
  }>("methods");
  const { definitions } = await readSchemas<{ definitions: Record<string, Schema> }>("protocol");
  const walk = (schema: Schema, path: readonly string[], add: (path: string) => void): void => {
    // No field of content lies that deep; some types hold themselves.
    if (path.length > 7) return;
    if (schema.$ref !== undefined) {
      walk(definitions[schema.$ref.split("/").at(-1) ?? ""] ?? {}, path, add);
    }
    if ([schema.type].flat().includes("string")) add(path.join("."));
    for (const each of [...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]) walk(each, path, add);
    for (const [key, each] of Object.entries(schema.properties ?? {})) {
      walk(each, [...path, key], add);
    }
    const { additionalProperties: others, items } = schema;
    if (typeof others === "object") walk(others, [...path, "*"], add);
    if (items) walk(items, [...path, "*"], add);
  };
  const types = [
    ...Object.entries(methods.clientRequests).map(([method, { params }]) => [method, params]),
    ...Object.entries(methods.serverRequests).map(([method, { result }]) => [method, result]),
  ] as [string, string | null][];
  return new Map(
    types.map(([method, type]) => {
      const found = new Set<string>();
      walk(definitions[type ?? ""] ?? {}, [], (path) => found.add(path));
      return [method, found];
    }),
  );
}

async function readSchemas<T>(name: string): Promise<T> {
  const url = new URL(`../../../generated/schemas/${name}.json`, import.meta.url);
  return JSON.parse(await readFile(url, "utf8")) as T;
}
