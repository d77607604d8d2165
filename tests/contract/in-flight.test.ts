import { describe, expect, test } from "@jest/globals";
import { RequestTimeoutError } from "../../lib/errors/connection-errors.js";
import { InvalidArgumentError } from "../../lib/errors/invalid-argument-error.js";
import { type Script, startScripted } from "../support/scripted-server.js";
import { errorOf } from "./error-of.js";

const answerAll: Script = { on: { "*": [{ respond: {} }] } };

describe("the in-flight limit", () => {
  test("lets so many requests and no more be unanswered, in the order of the calls", async () => {
    await using running = await startScripted(
      {
        on: {
          "model/list": [
            // Goes on only when the client makes full use of its limit.
            { waitForUnanswered: 4 },
            { respond: { nextCursor: "{{params.cursor}}", data: [] } },
          ],
        },
      },
      { maxInFlight: 4 },
    );
    const { client, server } = running;
    const cursors = Array.from({ length: 100 }, (_, n) => `page ${n}`);
    const answers = await Promise.all(
      cursors.map((cursor) => client.request("model/list", { cursor })),
    );

    expect(answers.map(({ nextCursor }) => nextCursor)).toEqual(cursors);
    const log = await server.log();
    expect(Math.max(...log.map(({ unanswered = 0 }) => unanswered))).toBe(4);
    const sent = (await server.received("model/list")).map(({ params }) => params);
    expect(sent).toEqual(cursors.map((cursor) => ({ cursor })));
  });

  test.each([0, -1, Number.NaN])(
    "is never left waiting for a deadline of %d ms",
    async (timeoutMs) => {
      await using running = await startScripted(answerAll);
      const { client, server } = running;
      const error = await errorOf(client.request("model/list", {}, { timeoutMs }));
      expect(error).toBeInstanceOf(InvalidArgumentError);
      expect(error).toMatchObject({ argument: "timeoutMs" });
      expect(await server.received("model/list")).toEqual([]);
    },
  );

  test("is 64 unless chosen otherwise", async () => {
    await using running = await startScripted({
      on: { "model/list": [{ waitForUnanswered: 64 }, { respond: {} }] },
    });
    const { client, server } = running;
    await Promise.all(Array.from({ length: 128 }, () => client.request("model/list", {})));
    const log = await server.log();
    expect(Math.max(...log.map(({ unanswered = 0 }) => unanswered))).toBe(64);
  });

  test("does not hold back notifications and answers to the server", async () => {
    await using running = await startScripted(
      {
        on: {
          "config/read": [
            { ask: "item/tool/call", id: "first", params: {} },
            { waitForAnswer: "first" },
            { waitFor: "initialized", count: 2 },
            { respond: {} },
          ],
        },
      },
      { maxInFlight: 1 },
    );
    const asked = running.client.request("config/read", {});
    await running.client.notify("initialized");
    expect(await asked).toEqual({});
  });

  test("never sends a request that was aborted while it waited", async () => {
    await using running = await startScripted(
      {
        on: {
          "config/read": [{ waitFor: "initialized", count: 2 }, { respond: {} }],
          "*": [{ respond: {} }],
        },
      },
      { maxInFlight: 1 },
    );
    const { client, server } = running;
    const controller = new AbortController();
    const first = client.request("config/read", {});
    const waiting = client.request("model/list", {}, { signal: controller.signal });
    const last = client.request("account/read", {});
    controller.abort("changed my mind");
    await expect(waiting).rejects.toBe("changed my mind");
    await client.notify("initialized");
    await Promise.all([first, last]);
    const methods = (await server.received()).map(({ method }) => method);
    expect(methods.slice(2)).toEqual(["config/read", "initialized", "account/read"]);
  });
});

describe("a request that is not answered in time", () => {
  test("rejects with its method and limit", async () => {
    await using running = await startScripted({ on: { "config/read": [] } });
    const error = await errorOf(running.client.request("config/read", {}, { timeoutMs: 50 }));
    expect(error).toBeInstanceOf(RequestTimeoutError);
    expect(error).toMatchObject({ code: "REQUEST_TIMEOUT", method: "config/read", timeoutMs: 50 });
    expect(error.message).toBe(
      "config/read was not answered within 50 ms; the server may still carry it out.",
    );
  });

  test("goes by the client's limit when the call has none", async () => {
    await using running = await startScripted(
      { on: { "config/read": [] } },
      { requestTimeoutMs: 60 },
    );
    const error = await errorOf(running.client.request("config/read", {}));
    expect(error).toMatchObject({ code: "REQUEST_TIMEOUT", timeoutMs: 60 });
  });

  test("gives its place to the next", async () => {
    await using running = await startScripted(
      { on: { "config/read": [], "account/read": [{ respond: { ok: 1 } }] } },
      { maxInFlight: 1 },
    );
    const { client } = running;
    const late = errorOf(client.request("config/read", {}, { timeoutMs: 50 }));
    const next = client.request("account/read", {});
    expect(await late).toBeInstanceOf(RequestTimeoutError);
    expect(await next).toEqual({ ok: 1 });
  });

  test("counts the time in which it waited for its place, and is then never sent", async () => {
    await using running = await startScripted(
      { on: { "config/read": [], "*": [{ respond: {} }] } },
      { maxInFlight: 1 },
    );
    const { client, server } = running;
    const first = errorOf(client.request("config/read", {}, { timeoutMs: 200 }));
    const waiting = errorOf(client.request("model/list", {}, { timeoutMs: 50 }));
    expect(await waiting).toBeInstanceOf(RequestTimeoutError);
    await first;
    await client.request("account/read", {});
    expect(await server.received("model/list")).toEqual([]);
  });

  test("may be answered later without any effect on others", async () => {
    await using running = await startScripted({
      on: {
        "config/read": [{ waitFor: "account/read" }, { respond: { late: true } }],
        "account/read": [{ respond: { own: true }, to: "config/read" }, { respond: { own: true } }],
      },
    });
    const { client } = running;
    const options = { timeoutMs: 50 };
    await expect(client.request("config/read", {}, options)).rejects.toThrow("not answered");
    expect(await client.request("account/read", {})).toEqual({ own: true });
    expect(await client.request("account/read", {})).toEqual({ own: true });
  });

  test("may have thousands of companions, answered late or never", async () => {
    await using running = await startScripted({
      on: {
        "config/read": [],
        "model/list": [
          { repeat: 200, steps: [{ respond: { late: true }, to: "config/read" }] },
          { respond: { own: true } },
        ],
      },
    });
    const { client, server } = running;
    for (let n = 0; n < 1_300; n += 1) {
      const controller = new AbortController();
      const abandoned = client.request("config/read", {}, { signal: controller.signal });
      controller.abort(n);
      await expect(abandoned).rejects.toBe(n);
    }
    expect(await client.request("model/list", {})).toEqual({ own: true });
    expect(await server.received("config/read")).toHaveLength(1_300);
  });

  test("is not a matter of time when the limit is Infinity", async () => {
    await using running = await startScripted(answerAll, { requestTimeoutMs: Infinity });
    expect(await running.client.request("config/read", {})).toEqual({});
    const options = { timeoutMs: Number.MAX_SAFE_INTEGER };
    expect(await running.client.request("config/read", {}, options)).toEqual({});
  });
});
