import { describe, expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import { BacklogBudget } from "../../../lib/async/backlog-budget.js";
import { safeLogger } from "../../../lib/async/logger.js";
import { TransportClosedError, type CloseReason } from "../../../lib/errors/connection-errors.js";
import type { NotificationMessage } from "../../../lib/jsonrpc/message.js";
import { NotificationHub } from "../../../lib/session/notification-hub.js";
import { collect, rejection } from "../../support/collect.js";

const closed: CloseReason = { kind: "closed", exitCode: 0, signal: null, stderrTail: "" };
const exited: CloseReason = { ...closed, kind: "exited", exitCode: 1 };
const note = (method: string): NotificationMessage => ({ method, params: {} });

function makeHub() {
  const errors: string[] = [];
  const logger = safeLogger({ error: (text) => errors.push(text) });
  return { errors, hub: new NotificationHub(logger, new BacklogBudget()) };
}

describe("iterating", () => {
  test("gives every notification from now on, in order, to each iteration", async () => {
    const { hub } = makeHub();
    hub.publish(note("before"));
    const both = [hub.iterate(undefined), hub.iterate(undefined)];
    for (const method of ["a", "b", "a"]) hub.publish(note(method));
    hub.close(closed);
    for (const events of both) {
      expect((await collect(events)).map(({ method }) => method)).toEqual(["a", "b", "a"]);
    }
  });

  test("throws when the connection was lost, after what came before", async () => {
    const { hub } = makeHub();
    const events = hub.iterate(undefined);
    hub.publish(note("a"));
    hub.close(exited);
    expect(await events.next()).toMatchObject({ value: { method: "a" } });
    expect(await rejection(events.next())).toBeInstanceOf(TransportClosedError);
  });

  test("that begins after the end ends at once, in the same way", async () => {
    const [one, two] = [makeHub().hub, makeHub().hub];
    one.close(closed);
    two.close(exited);
    expect(await collect(one.iterate(undefined))).toEqual([]);
    expect(await rejection(collect(two.iterate(undefined)))).toBeInstanceOf(TransportClosedError);
  });

  test("is ended by its signal, with the very reason", async () => {
    const { hub } = makeHub();
    const abort = new AbortController();
    const events = hub.iterate(abort.signal);
    abort.abort("enough");
    hub.publish(note("late"));
    expect(await rejection(events.next())).toBe("enough");
    expect(await rejection(collect(hub.iterate(abort.signal)))).toBe("enough");
  });

  test.each(["left", "closed", "lost", "aborted", "begun after the end"])(
    "leaves no listener on its signal when it is %s",
    async (way) => {
      const { hub } = makeHub();
      const abort = new AbortController();
      if (way === "begun after the end") hub.close(closed);
      const events = hub.iterate(abort.signal);
      if (way === "left") await events.return();
      if (way === "closed") hub.close(closed);
      if (way === "lost") hub.close(exited);
      if (way === "aborted") abort.abort();
      expect(getEventListeners(abort.signal, "abort")).toHaveLength(0);
    },
  );
});

describe("listeners", () => {
  test("get the notifications of their method until they are taken away", () => {
    const { hub } = makeHub();
    const heard: string[] = [];
    const stop = hub.on("a", ({ method }) => heard.push(`first ${method}`));
    hub.on("a", ({ method }) => heard.push(`second ${method}`));
    for (const method of ["a", "b"]) hub.publish(note(method));
    stop();
    stop();
    hub.publish(note("a"));
    expect(heard).toEqual(["first a", "second a", "second a"]);
  });

  test("that throw do not keep the others from hearing, and are reported by method only", () => {
    const { errors, hub } = makeHub();
    const heard: string[] = [];
    hub.on("a", () => {
      throw new Error("a secret");
    });
    hub.on("a", ({ method }) => heard.push(method));
    hub.publish(note("a"));
    expect(heard).toEqual(["a"]);
    expect(errors).toEqual(["A listener of a threw an error."]);
  });

  test("may be taken away by themselves while they are called", () => {
    const { hub } = makeHub();
    const heard: string[] = [];
    const stop = hub.on("a", () => {
      stop();
      heard.push("once");
    });
    hub.on("a", () => heard.push("always"));
    for (const method of ["a", "a"]) hub.publish(note(method));
    expect(heard).toEqual(["once", "always", "always"]);
  });
});

describe("an iteration that is not read", () => {
  test("is dropped with what waits when that is too much, and throws; nobody else notices", async () => {
    const { hub } = makeHub();
    const { signal } = new AbortController();
    const slow = hub.iterate(signal);
    const seen: string[] = [];
    hub.on("big", ({ method }) => seen.push(method));
    const big = { method: "big", params: { text: "x".repeat(10_000_000) } };
    for (let count = 0; count < 8; count += 1) hub.publish(big);
    expect(slow.size).toBe(0);
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
    expect(seen).toHaveLength(8);
    expect(await rejection(slow.next())).toMatchObject({ code: "SLOW_CONSUMER" });
    hub.publish(big);
    expect(await collect(slow)).toEqual([]);
  });
});
