import { describe, expect, test } from "@jest/globals";
import { type Step, startScripted } from "../support/scripted-server.js";
import {
  acceptTurn,
  agentMessage,
  turnCompleted,
  turnStarted,
  turnSteps,
} from "../support/scripted-server-messages.js";

function warning(message: string): Step {
  return { notify: "warning", params: { threadId: null, message } };
}

describe("what arrives in one chunk", () => {
  const script = {
    on: {
      "account/read": [],
      "model/list": [],
      "config/read": [
        {
          together: [
            warning("first"),
            warning("second"),
            { respond: {}, to: "model/list" },
            warning("third"),
            { respond: {}, to: "account/read" },
            { respond: {} },
            warning("fourth"),
          ],
        },
      ],
    },
  };

  test.each([false, true])(
    "reaches listeners and awaiting callers in the order of the wire (with overload retries: %s)",
    async (retryOnOverload) => {
      await using running = await startScripted(script, { retryOnOverload });
      const { client } = running;
      const order: string[] = [];
      const ask = async (method: "account/read" | "model/list" | "config/read") => {
        await client.request(method, {});
        // Callers may be several layers of async functions away from the request.
        for (let layer = 0; layer < 20; layer += 1) await Promise.resolve();
        order.push(method);
      };
      client.on("warning", ({ params }) => order.push(params.message));
      const last = new Promise<void>((resolve) => {
        client.on("warning", ({ params }) => {
          if (params.message === "fourth") resolve();
        });
      });

      await Promise.all([ask("account/read"), ask("model/list"), ask("config/read"), last]);

      expect(order).toEqual([
        "first",
        "second",
        "model/list",
        "third",
        "account/read",
        "config/read",
        "fourth",
      ]);
    },
  );

  test("behind an answer is not missed by who subscribes after awaiting the answer", async () => {
    await using running = await startScripted({
      on: { "config/read": [{ together: [{ respond: {} }, warning("after")] }] },
    });
    const { client } = running;
    await client.request("config/read", {});
    const message = await new Promise((resolve) => {
      client.on("warning", ({ params }) => {
        resolve(params.message);
      });
    });
    expect(message).toBe("after");
  });

  test("after a server request does not overtake it, nor wait for its answer", async () => {
    await using running = await startScripted({
      on: {
        "config/read": [
          {
            together: [
              warning("before"),
              { ask: "item/tool/call", id: 0, params: {} },
              warning("after"),
              { respond: {} },
            ],
          },
          { waitForAnswer: 0 },
          warning("answered"),
        ],
      },
    });
    const { client } = running;
    const order: string[] = [];
    const answered = new Promise<void>((resolve) => {
      client.on("warning", ({ params }) => {
        order.push(params.message);
        if (params.message === "answered") resolve();
      });
    });
    await client.request("config/read", {});
    order.push("response");
    await answered;
    expect(order).toEqual(["before", "after", "response", "answered"]);
  });
});

describe("a turn is complete and in order", () => {
  test.each<[string, Step[]]>([
    ["all of it is one chunk", [{ together: turnSteps("Hello.") }]],
    [
      "it begins before the answer to turn/start",
      [turnStarted(), ...agentMessage("Hello."), acceptTurn(), turnCompleted()],
    ],
    [
      "all of it comes before the answer to turn/start",
      [turnStarted(), ...agentMessage("Hello."), turnCompleted(), acceptTurn()],
    ],
    [
      "all of it, and then the answer, are one chunk",
      [{ together: [turnStarted(), ...agentMessage("Hello."), turnCompleted(), acceptTurn()] }],
    ],
    ["the process ends right behind it", [{ together: turnSteps("Hello.") }, { exit: 0 }]],
  ])("when %s", async (_, steps) => {
    await using running = await startScripted({ on: { "turn/start": steps } });
    const thread = await running.client.startThread();
    const turn = thread.turn("Hi");
    const methods: string[] = [];
    for await (const event of turn) methods.push(event.method);
    expect(methods).toEqual([
      "turn/started",
      "item/started",
      "item/agentMessage/delta",
      "item/completed",
      "turn/completed",
    ]);
    expect(await turn.run()).toMatchObject({ id: "turn-1", finalResponse: "Hello." });
  });
});
