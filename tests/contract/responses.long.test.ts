import { describe, expect, test } from "@jest/globals";
import { ProtocolError, RequestTimeoutError } from "../../lib/errors/connection-errors.js";
import { InvalidParamsError, JsonRpcError } from "../../lib/errors/rpc-errors.js";
import { type Json, startScripted, type Step } from "../support/scripted-server.js";
import { errorOf } from "./error-of.js";

/** How a request fails whose answer is this line; the connection must stay of use. */
async function failureOf(step: Step): Promise<Error> {
  await using running = await startScripted({
    on: { "config/read": [step], "account/read": [{ respond: { fine: true } }] },
  });
  const { client } = running;
  const error = await errorOf(client.request("config/read", {}));
  expect(await client.request("account/read", {})).toEqual({ fine: true });
  return error;
}

describe("an answer", () => {
  test.each<[string, Json]>([
    ["an object", { a: [1, null], b: "text" }],
    ["null", null],
    ["false", false],
    ["nothing but 0", 0],
    ["text", ""],
    ["a list", []],
  ])("may be %s", async (_, result) => {
    await using running = await startScripted({ on: { "config/read": [{ respond: result }] } });
    expect(await running.client.request("config/read", {})).toEqual(result);
  });

  test.each<[string, Step]>([
    ["to an id that nobody used", { send: { id: 9_999, result: { wrong: true } } }],
    ["to an id from the far side of zero", { send: { id: -1, result: { wrong: true } } }],
    ["to the id as text", { line: '{"id":"{{id}}","result":{"wrong":true}}' }],
    ["with an error for an unknown id", { send: { id: 9_999, error: { code: 1, message: "no" } } }],
    ["to null", { send: { id: null, error: { code: -32_700, message: "no" } } }],
    ["without any id", { send: { result: { wrong: true } } }],
  ])("%s is nobody's, and does no harm", async (_, stray) => {
    await using running = await startScripted({
      on: { "config/read": [stray, { respond: { right: true } }] },
    });
    expect(await running.client.request("config/read", {})).toEqual({ right: true });
    expect((await (await running.client.startThread()).run("Hi")).status).toBe("completed");
  });

  test("that comes twice counts once", async () => {
    await using running = await startScripted({
      on: {
        "config/read": [
          { together: [{ respond: { n: 1 } }, { respond: { n: 2 } }] },
          { send: { id: "{{id}}", error: { code: -32_600, message: "third" } } },
        ],
        "account/read": [{ respond: { n: 4 } }],
      },
    });
    expect(await running.client.request("config/read", {})).toEqual({ n: 1 });
    expect(await running.client.request("account/read", {})).toEqual({ n: 4 });
  });

  test("may hold members that nobody knows", async () => {
    await using running = await startScripted({
      on: {
        "config/read": [
          { send: { jsonrpc: "2.0", id: "{{id}}", result: { ok: 1 }, error: null, extra: true } },
        ],
      },
    });
    expect(await running.client.request("config/read", {})).toEqual({ ok: 1 });
  });
});

describe("an answer that is no answer is a ProtocolError", () => {
  test.each<[string, Json, string]>([
    ["without a result or an error", {}, "it has no result and no error"],
    ["with null for its error", { error: null }, "it has no result and no error"],
    ["with text for its error", { error: "no" }, "the error has neither code nor message"],
    ["with an empty error", { error: {} }, "the error has neither code nor message"],
    ["with text for the code", { error: { code: "-32600", message: "no" } }, "no"],
  ])("%s", async (_, members, problem) => {
    const error = await failureOf({ send: { id: "{{id}}", ...(members as object) } });
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toMatchObject({ code: "PROTOCOL_ERROR" });
    expect(error.message).toBe(`config/read got a malformed answer: ${problem}`);
  });
});

describe("an error answer", () => {
  test("keeps the server's code, sentence and data", async () => {
    const data = { input_error_code: "input_too_large", max_chars: 1_048_576 };
    const error = await failureOf({ refuse: { code: -32_602, message: "too large", data } });
    expect(error).toBeInstanceOf(InvalidParamsError);
    expect(error).toMatchObject({
      method: "config/read",
      rpcCode: -32_602,
      serverMessage: "too large",
      data,
    });
  });

  // Some of these mean something inside the JSON-RPC library; from the wire they are only numbers.
  test.each([-32_097, -32_096, -32_098, -32_099, -32_050, -32_000, -32_800, 0, 1, 404])(
    "may have the code %d like any other",
    async (code) => {
      const error = await failureOf({ refuse: { code, message: "no" } });
      expect(error).toBeInstanceOf(JsonRpcError);
      expect(error).toMatchObject({ rpcCode: code, serverMessage: "no", method: "config/read" });
    },
  );

  test("names in its stack who made the call", async () => {
    const askForConfig = async (client: {
      request(method: "config/read", params: object): unknown;
    }) => await client.request("config/read", {});
    for (const retryOnOverload of [false, true]) {
      await using running = await startScripted({}, { retryOnOverload });
      const error = await errorOf(askForConfig(running.client));
      expect(error.stack).toContain("askForConfig");
    }
  });
});

test("ids are numbers that are never used again, whatever became of their requests", async () => {
  await using running = await startScripted({
    on: { "config/read": [[], [], [{ respond: {} }]], "account/read": [{ respond: {} }] },
  });
  const { client, server } = running;
  const controller = new AbortController();
  const late = client.request("config/read", {}, { timeoutMs: 50 });
  const aborted = client.request("config/read", {}, { signal: controller.signal });
  controller.abort();
  await expect(aborted).rejects.toBe(controller.signal.reason);
  await expect(late).rejects.toBeInstanceOf(RequestTimeoutError);
  for (let n = 0; n < 20; n += 1) await client.request("config/read", {});
  await Promise.all(Array.from({ length: 20 }, () => client.request("account/read", {})));

  const ids = (await server.received()).flatMap(({ id }) => id ?? []);
  expect(ids).toHaveLength(43);
  expect(new Set(ids).size).toBe(43);
  expect(ids.every((id) => Number.isSafeInteger(id) && (id as number) >= 0)).toBe(true);
});
