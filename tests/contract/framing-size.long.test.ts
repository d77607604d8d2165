import { describe, expect, jest, test } from "@jest/globals";
import { MessageTooLargeError, TransportClosedError } from "../../lib/errors/connection-errors.js";
import { InvalidArgumentError } from "../../lib/errors/invalid-argument-error.js";
import { LineSplitter } from "../../lib/jsonrpc/line-splitter.js";
import { type Json, startScripted, type Step } from "../support/scripted-server.js";
import { errorOf } from "./error-of.js";

const MiB = 1_048_576;
const limit = 65_536;

function warning(message: Json): Step {
  return { notify: "warning", params: { threadId: null, message } };
}

describe("a long line", () => {
  test("of 64 MiB arrives whole", async () => {
    const text = { repeatText: "0123456789abcdef", times: (64 * MiB) / 16 };
    await using running = await startScripted({
      on: { "config/read": [warning(text), { respond: {} }] },
    });
    let length = 0;
    let end = "";
    running.client.on("warning", ({ params }) => {
      length = params.message.length;
      end = params.message.slice(-20);
    });
    await running.client.request("config/read", {});
    expect(length).toBe(64 * MiB);
    expect(end).toBe("cdef0123456789abcdef");
  });

  test("costs time in proportion to its length", () => {
    const chunk = Buffer.alloc(4_096, "x");
    const bytes = 16 * MiB;
    let looked = 0;
    // Whatever reads bytes of a buffer counts, as long as what it reads.
    for (const method of ["indexOf", "lastIndexOf", "toString", "subarray"] as const) {
      const real = (Buffer.prototype as Record<typeof method, unknown>)[method] as (
        this: Buffer,
        ...args: unknown[]
      ) => unknown;
      const counting = function (this: Buffer, ...args: unknown[]): unknown {
        looked += this.length;
        return real.apply(this, args);
      };
      jest.spyOn(Buffer.prototype, method).mockImplementation(counting as never);
    }
    const concat = Buffer.concat.bind(Buffer);
    jest.spyOn(Buffer, "concat").mockImplementation((list, length) => {
      const joined = concat(list, length);
      looked += joined.length;
      return joined;
    });
    try {
      const splitter = new LineSplitter(Infinity);
      for (let read = 0; read < bytes; read += chunk.length) splitter.push(chunk);
      expect(splitter.push(Buffer.from("\n"))).toHaveLength(bytes);
    } finally {
      jest.restoreAllMocks();
    }
    // Each byte is looked for its newline, joined and decoded; looking at all of the line again for
    // each of its chunks would be two thousand times as much.
    expect(looked).toBeGreaterThanOrEqual(2 * bytes);
    expect(looked).toBeLessThanOrEqual(6 * bytes);
  });
});

describe("a message over the limit", () => {
  test.each<[string, Step]>([
    ["a line", warning({ repeatText: "x", times: 200_000 })],
    ["bytes without any end", { bytes: Buffer.alloc(200_000, "x").toString("base64") }],
  ])("that comes in, %s, ends the connection behind what came before it", async (_, step) => {
    await using running = await startScripted(
      { on: { "config/read": [warning("before"), step] }, survives: ["EOF"] },
      { maxMessageBytes: limit },
    );
    const { client, server } = running;
    const lengths: number[] = [];
    client.on("warning", ({ params }) => lengths.push(params.message.length));
    const error = await errorOf(client.request("config/read", {}));

    expect(error).toBeInstanceOf(TransportClosedError);
    expect(error.cause).toBeInstanceOf(MessageTooLargeError);
    expect(error.cause).toMatchObject({ code: "MESSAGE_TOO_LARGE", limitBytes: limit });
    expect(error.message).toContain(`An incoming message is larger than ${limit} bytes.`);
    expect(await client.closed).toMatchObject({ kind: "failed", error: error.cause });
    expect(lengths).toEqual(["before".length]);
    expect(await server.alive()).toEqual([]);
  });

  test("that comes in is refused only from the first byte too many", async () => {
    const frame = JSON.stringify({ method: "warning", params: { threadId: null, message: "" } });
    const fitting = "x".repeat(limit - frame.length);
    const line = frame.replace('""', `"${fitting}"`);
    await using running = await startScripted(
      // In small pieces: what counts is the line, not the chunk.
      {
        on: {
          "config/read": [
            { bytes: Buffer.from(`${line}\n`).toString("base64"), chunk: 5_000 },
            { respond: {} },
          ],
        },
      },
      { maxMessageBytes: limit },
    );
    const lengths: number[] = [];
    running.client.on("warning", ({ params }) => lengths.push(params.message.length));
    await running.client.request("config/read", {});
    expect(lengths).toEqual([fitting.length]);
  });

  test.each([
    ["ASCII", "x".repeat(limit)],
    ["characters of two bytes", "é".repeat(limit / 2)],
  ])("that would go out (%s) is refused, and nothing is sent", async (_, text) => {
    await using running = await startScripted(
      { on: { "config/read": [{ respond: {} }] } },
      { maxMessageBytes: limit },
    );
    const { client, server } = running;
    const params = { threadId: "thread-1", name: text };
    const error = await errorOf(client.request("thread/name/set", params));
    expect(error).toBeInstanceOf(MessageTooLargeError);
    expect(error.message).toContain(`An outgoing message is larger than ${limit} bytes.`);
    expect(await errorOf(client.notify("initialized", params))).toBeInstanceOf(
      MessageTooLargeError,
    );

    await client.request("config/read", {});
    const methods = (await server.received()).map(({ method }) => method);
    expect(methods).toEqual(["initialize", "initialized", "config/read"]);
  });
});

describe("params that cannot be sent", () => {
  const circular: Record<string, unknown> = {};
  circular["self"] = circular;

  test.each<[string, unknown, string]>([
    ["with a bigint", { threadId: 1n }, "cannot be written as JSON"],
    ["with a circle", circular, "cannot be written as JSON"],
    ["that are a list", [], "must be an object"],
    ["that are text", "thread-1", "must be an object"],
    ["that are a function", () => undefined, "must be an object"],
  ])("%s are refused by name, and nothing is sent", async (_, params, problem) => {
    await using running = await startScripted({ on: { "config/read": [{ respond: {} }] } });
    const { client, server } = running;
    const error = await errorOf(client.request("thread/read", params as { threadId: string }));
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error.message).toBe(`params of thread/read ${problem}`);
    await client.request("config/read", {});
    expect(await server.received("thread/read")).toEqual([]);
  });

  test("do not change any more once the call was made", async () => {
    const script = { on: { "*": [{ respond: {} }] } };
    await using running = await startScripted(script, { maxInFlight: 1 });
    const { client, server } = running;
    const params = { threadId: "as it was" };
    // The second waits for its turn.
    const calls = [client.request("config/read", {}), client.request("thread/read", params)];
    params.threadId = "changed";
    await Promise.all(calls);
    expect((await server.received("thread/read"))[0]?.params).toEqual({ threadId: "as it was" });
  });
});
