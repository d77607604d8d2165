import { expect, test } from "@jest/globals";
import { RequestTimeoutError } from "../../lib/errors/connection-errors.js";
import { startScripted } from "../support/scripted-server.js";
import { acceptTurn, turnStarted, turnSteps } from "../support/scripted-server-messages.js";
import { errorOf } from "./error-of.js";

const limit = { requestTimeoutMs: 1_500 };

test("a turn that is accepted too late is interrupted, and the next one runs", async () => {
  await using running = await startScripted(
    {
      on: {
        "turn/start": [
          [{ waitFor: "config/read" }, acceptTurn(), turnStarted()],
          turnSteps("Hello."),
        ],
        "config/read": [{ respond: {} }],
      },
    },
    limit,
  );
  const { client, server } = running;
  const thread = await client.startThread();
  const error = await errorOf(thread.run("Hi"));
  expect(error).toBeInstanceOf(RequestTimeoutError);
  expect(error.message).toContain("If it does, this client interrupts the turn.");
  const ended = new Promise((resolve) => {
    const stop = client.on("turn/completed", ({ params }) => {
      stop();
      resolve(params.turn.status);
    });
  });
  await client.request("config/read", {});
  expect(await ended).toBe("interrupted");
  const interrupts = await server.received("turn/interrupt");
  expect(interrupts.map(({ params }) => params)).toEqual([
    { threadId: "thread-1", turnId: "turn-1" },
  ]);
  expect(await thread.run("Hi")).toMatchObject({ id: "turn-2", finalResponse: "Hello." });
});

test("a thread that is started too late is unsubscribed from", async () => {
  await using running = await startScripted(
    {
      on: {
        "thread/start": [
          { waitFor: "config/read" },
          { respond: { thread: { id: "late", status: { type: "idle" }, turns: [] } } },
        ],
        "config/read": [{ respond: {} }],
        "thread/unsubscribe": [
          { respond: { status: "unsubscribed" } },
          { notify: "thread/closed", params: { threadId: "late" } },
        ],
      },
    },
    limit,
  );
  const { client, server } = running;
  const error = await errorOf(client.startThread());
  expect(error).toBeInstanceOf(RequestTimeoutError);
  expect(error.message).toContain("If it does, this client unsubscribes from the thread.");
  const closed = new Promise((resolve) => {
    client.on("thread/closed", ({ params }) => {
      resolve(params.threadId);
    });
  });
  await client.request("config/read", {});
  expect(await closed).toBe("late");
  expect(await server.received("thread/unsubscribe")).toHaveLength(1);
});
