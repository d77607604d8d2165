import { describe, expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import type { AppServerClient } from "../../lib/client.js";
import { type Script, startScripted } from "../support/scripted-server.js";

const script: Script = {
  on: {
    "config/read": [],
    "account/read": [{ respond: { ok: true } }],
    "model/list": [{ refuse: { code: -32_600, message: "no" } }],
    "thread/read": [{ exit: 1 }],
  },
};

const outcome = (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((error: unknown) => error);

describe.each([false, true])(
  "a request with a signal (overload retries: %s)",
  (retryOnOverload) => {
    test.each([new Error("enough"), "only text", { any: "object" }, 0, null])(
      "rejects with the very reason of the abort, %p",
      async (reason) => {
        await using running = await startScripted(script, { retryOnOverload });
        const { client, server } = running;
        const controller = new AbortController();
        const { signal } = controller;
        const pending = outcome(client.request("config/read", {}, { signal }));
        // The server has the request by the time it answers the next one.
        await client.request("account/read", {});
        controller.abort(reason);
        expect(await pending).toBe(reason);
        expect(await server.received("config/read")).toHaveLength(1);
        expect(getEventListeners(signal, "abort")).toEqual([]);

        // From now on the signal counts before anything is sent.
        expect(await outcome(client.request("account/read", {}, { signal }))).toBe(reason);
        expect(await server.received("account/read")).toHaveLength(1);
      },
    );

    test("rejects with an AbortError when the caller gave no reason", async () => {
      await using running = await startScripted(script, { retryOnOverload });
      const controller = new AbortController();
      const { signal } = controller;
      const pending = outcome(running.client.request("config/read", {}, { signal }));
      controller.abort();
      expect(await pending).toBe(signal.reason);
      expect(await pending).toMatchObject({ name: "AbortError" });
    });

    test("is not affected by an abort after its end", async () => {
      await using running = await startScripted(script, { retryOnOverload });
      const controller = new AbortController();
      const { signal } = controller;
      const result = await running.client.request("account/read", {}, { signal });
      controller.abort();
      expect(result).toEqual({ ok: true });
      expect(await running.client.request("account/read", {})).toEqual({ ok: true });
    });

    test.each<[string, (client: AppServerClient, signal: AbortSignal) => Promise<unknown>]>([
      ["it succeeds", (client, signal) => client.request("account/read", {}, { signal })],
      ["it is refused", (client, signal) => client.request("model/list", {}, { signal })],
      [
        "it is too late",
        (client, signal) => client.request("config/read", {}, { signal, timeoutMs: 30 }),
      ],
      [
        "it cannot be sent",
        (client, signal) => client.request("config/read", [] as never, { signal }),
      ],
      [
        "the process ends",
        (client, signal) => client.request("thread/read", { threadId: "x" }, { signal }),
      ],
      [
        "the client is closed",
        async (client, signal) => {
          const pending = client.request("config/read", {}, { signal });
          await Promise.all([outcome(pending), client.close()]);
        },
      ],
    ])("leaves no listener on the signal when %s", async (_, call) => {
      await using running = await startScripted(script, { retryOnOverload });
      const { signal } = new AbortController();
      await outcome(call(running.client, signal));
      expect(getEventListeners(signal, "abort")).toEqual([]);
    });
  },
);
