import { describe, expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import { TransportClosedError } from "../../lib/errors/connection-errors.js";
import { InvalidArgumentError } from "../../lib/errors/invalid-argument-error.js";
import type { ConnectionNotification, ServerNotification } from "../../lib/protocol.js";
import { type Script, startScripted, type Step } from "../support/scripted-server.js";
import { errorOf } from "./error-of.js";

function warning(message: string): Step {
  return { notify: "warning", params: { threadId: null, message } };
}

/** Sends "1" and "2", then does something else. */
function twoWarnings(...steps: Step[]): Script {
  return { on: { "config/read": [warning("1"), warning("2"), ...steps], "model/list": [] } };
}

type Notification = ServerNotification | ConnectionNotification;

function textOf(notification: Notification): string {
  return notification.method === "warning" ? notification.params.message : notification.method;
}

/** Reads to the end. */
async function textsOf(notifications: AsyncIterable<Notification>): Promise<string[]> {
  const texts: string[] = [];
  for await (const notification of notifications) texts.push(textOf(notification));
  return texts;
}

describe("notifications()", () => {
  test("yields everything of every thread, in order, with its time", async () => {
    await using running = await startScripted({
      on: {
        "config/read": [
          { notify: "warning", params: { threadId: "a", message: "1" }, emittedAtMs: 11 },
          { notify: "brand/new", params: { threadId: "b" }, emittedAtMs: 12 },
          { notify: "turn/started", params: { threadId: "c", turn: {} }, emittedAtMs: 13 },
          { respond: {} },
        ],
      },
    });
    const { client } = running;
    const notifications = client.notifications();
    await client.request("config/read", {});
    await client.close();
    const seen: unknown[] = [];
    for await (const notification of notifications) seen.push(notification);
    expect(seen).toEqual([
      { method: "warning", params: { threadId: "a", message: "1" }, emittedAtMs: 11 },
      { method: "brand/new", params: { threadId: "b" }, emittedAtMs: 12 },
      { method: "turn/started", params: { threadId: "c", turn: {} }, emittedAtMs: 13 },
    ]);
  });

  test("begins with the call, and each iteration is its own", async () => {
    await using running = await startScripted({
      on: { "config/read": [warning("call {{count}}"), { respond: {} }] },
    });
    const { client } = running;
    const all = client.notifications();
    await client.request("config/read", {});
    const later = client.notifications();
    await client.request("config/read", {});
    await client.close();
    expect(await textsOf(all)).toEqual(["call 1", "call 2"]);
    expect(await textsOf(later)).toEqual(["call 2"]);
  });

  test("wakes up who waits for the next one", async () => {
    await using running = await startScripted(twoWarnings({ respond: {} }));
    const { client } = running;
    const notifications = client.notifications();
    const waiting = [notifications.next(), notifications.next()];
    await client.request("config/read", {});
    const values = (await Promise.all(waiting)).map(({ value }) => value && textOf(value));
    expect(values).toEqual(["1", "2"]);
  });

  test("lets go of the signal when the loop is left", async () => {
    await using running = await startScripted(twoWarnings({ respond: {} }));
    const { client } = running;
    const { signal } = new AbortController();
    const notifications = client.notifications({ signal });
    await client.request("config/read", {});
    for await (const notification of notifications) {
      expect(textOf(notification)).toBe("1");
      expect(getEventListeners(signal, "abort")).toHaveLength(1);
      break;
    }
    expect(getEventListeners(signal, "abort")).toEqual([]);
    expect(await notifications.next()).toEqual({ done: true, value: undefined });
  });

  test.each([new Error("enough"), "only text"])(
    "rejects with the reason of an abort, %p, behind what came before it",
    async (reason) => {
      await using running = await startScripted(twoWarnings({ respond: {} }));
      const { client } = running;
      const controller = new AbortController();
      const notifications = client.notifications({ signal: controller.signal });
      await client.request("config/read", {});
      controller.abort(reason);
      await client.request("config/read", {});

      expect(await notifications.next()).toMatchObject({ value: { params: { message: "1" } } });
      expect(await notifications.next()).toMatchObject({ value: { params: { message: "2" } } });
      await expect(notifications.next()).rejects.toBe(reason);
      expect(await notifications.next()).toEqual({ done: true, value: undefined });
      expect(getEventListeners(controller.signal, "abort")).toEqual([]);
    },
  );

  test("rejects who waits when the signal aborts, or has aborted before", async () => {
    await using running = await startScripted();
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = running.client.notifications({ signal }).next();
    controller.abort(new Error("enough"));
    await expect(waiting).rejects.toBe(signal.reason);
    await expect(running.client.notifications({ signal }).next()).rejects.toBe(signal.reason);
  });

  test("ends with the client, behind everything that came", async () => {
    await using running = await startScripted(twoWarnings({ respond: {} }));
    const { client } = running;
    const { signal } = new AbortController();
    const notifications = client.notifications({ signal });
    const idle = textsOf(client.notifications());
    await client.request("config/read", {});
    await client.close();
    expect(await textsOf(notifications)).toEqual(["1", "2"]);
    expect(await idle).toEqual(["1", "2"]);
    expect(getEventListeners(signal, "abort")).toEqual([]);
    expect(await textsOf(client.notifications({ signal }))).toEqual([]);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  test("throws when the process is lost, behind everything that came", async () => {
    await using running = await startScripted(twoWarnings({ exit: 6 }));
    const { client } = running;
    const { signal } = new AbortController();
    const iterations = [client.notifications({ signal }), client.notifications()];
    await errorOf(client.request("config/read", {}));

    const errors = [];
    for (const notifications of iterations) {
      await notifications.next();
      expect(await notifications.next()).toMatchObject({ value: { params: { message: "2" } } });
      errors.push(await errorOf(notifications.next()));
      expect(await notifications.next()).toEqual({ done: true, value: undefined });
    }
    errors.push(await errorOf(client.notifications().next()));
    expect(errors.every((error) => error instanceof TransportClosedError)).toBe(true);
    expect(errors).toMatchObject(Array(3).fill({ exitCode: 6, method: undefined }));
    expect(new Set(errors).size).toBe(3);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});

describe("on()", () => {
  test("calls its listener for one method only, until it is stopped", async () => {
    await using running = await startScripted({
      on: {
        "config/read": [
          warning("{{count}}"),
          { notify: "fs/changed", params: { watchId: "w", changedPaths: [] } },
          { respond: {} },
        ],
      },
    });
    const { client } = running;
    const seen: string[] = [];
    const stopFirst = client.on("warning", ({ params }) => seen.push(`first ${params.message}`));
    const stopSecond = client.on("warning", ({ params }) => seen.push(`second ${params.message}`));
    await client.request("config/read", {});
    stopFirst();
    stopFirst();
    await client.request("config/read", {});
    stopSecond();
    await client.request("config/read", {});
    expect(seen).toEqual(["first 1", "second 1", "second 2"]);
  });

  test("may be stopped by the listener itself, and started by another", async () => {
    await using running = await startScripted(twoWarnings({ respond: {} }));
    const { client } = running;
    const seen: string[] = [];
    const stop = client.on("warning", ({ params }) => {
      seen.push(`once ${params.message}`);
      stop();
      client.on("warning", (next) => seen.push(`then ${next.params.message}`));
    });
    await client.request("config/read", {});
    expect(seen).toEqual(["once 1", "then 2"]);
  });

  test("keeps a listener that was added again after all were stopped", async () => {
    await using running = await startScripted(twoWarnings({ respond: {} }));
    const { client } = running;
    const seen: string[] = [];
    const stop = client.on("warning", () => seen.push("never"));
    stop();
    client.on("warning", ({ params }) => seen.push(params.message));
    stop();
    await client.request("config/read", {});
    expect(seen).toEqual(["1", "2"]);
  });

  test("takes nothing but a function", async () => {
    await using running = await startScripted();
    const listen = () => running.client.on("warning", "log" as never);
    expect(listen).toThrow(InvalidArgumentError);
    expect(listen).toThrow("listener must be a function");
  });
});
