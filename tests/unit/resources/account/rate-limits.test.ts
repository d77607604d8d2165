import { describe, expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import { RateLimits } from "../../../../lib/resources/account/rate-limits.js";
import type { KnownRateLimits } from "../../../../lib/results/rate-limits.js";
import { Deferred } from "../../../../lib/async/deferred.js";
import { TransportClosedError } from "../../../../lib/errors/connection-errors.js";
import type { Session } from "../../../../lib/session/session.js";
import { rejection, settled } from "../../../support/collect.js";
import { countingSession } from "../../../support/counting-session.js";
import { linked, type LinkedServer } from "../../../support/linked-server.js";

async function stage() {
  const { client, server, ...pair } = await linked();
  const { session, listeners } = countingSession(client);
  const before = getEventListeners(session.signal, "abort").length;
  return {
    ...pair,
    client,
    server,
    limits: new RateLimits(() => Promise.resolve(session)),
    held: () => listeners() + getEventListeners(session.signal, "abort").length - before,
  };
}

function use(server: LinkedServer, usedPercent: number): void {
  const primary = { usedPercent, windowDurationMins: null, resetsAt: null };
  server.notify("account/rateLimits/updated", { rateLimits: { limitId: "codex", primary } });
}

function percent({ value }: IteratorResult<KnownRateLimits, undefined>): number | undefined {
  return value?.rateLimits.primary?.usedPercent;
}

describe("watching rate limits", () => {
  test("begins with what is known, and holds nothing before it begins", async () => {
    await using pair = await stage();
    const limits = pair.limits.watch();
    use(pair.server, 10);
    await settled();
    expect(pair.held()).toBe(0);
    expect(percent(await limits.next())).toBe(10);
    expect(pair.held()).toBe(2);
    await limits.return?.();
    expect(pair.held()).toBe(0);
  });

  test("keeps the newest state only for who is slow", async () => {
    await using pair = await stage();
    const limits = pair.limits.watch();
    const first = limits.next();
    await settled();
    for (let used = 1; used <= 50; used += 1) use(pair.server, used);
    expect(percent(await first)).toBe(1);
    await settled();
    expect(percent(await limits.next())).toBe(50);
    const next = limits.next();
    use(pair.server, 51);
    expect(percent(await next)).toBe(51);
    await limits.return?.();
  });

  test("also shows what was read", async () => {
    await using pair = await stage();
    pair.server.handle("account/rateLimits/read", () => ({
      rateLimits: { limitId: "codex", primary: { usedPercent: 77 } },
      rateLimitsByLimitId: null,
    }));
    const limits = pair.limits.watch();
    const first = limits.next();
    await settled();
    await pair.limits.read({ excludeResetCreditDetails: true });
    expect(percent(await first)).toBe(77);
    expect(pair.server.paramsOf("account/rateLimits/read")).toEqual([
      { excludeResetCreditDetails: true },
    ]);
    await limits.return?.();
  });

  test("says nothing when the account changes, until there is news", async () => {
    await using pair = await stage();
    const limits = pair.limits.watch();
    use(pair.server, 10);
    await settled();
    await limits.next();
    const next = limits.next();
    pair.server.notify("account/updated", { authMode: null, planType: null });
    use(pair.server, 2);
    const news = await next;
    expect(percent(news)).toBe(2);
    await limits.return?.();
  });

  test("is left by the loop, by a pending next() too, and for good", async () => {
    await using pair = await stage();
    const limits = pair.limits.watch();
    const pending = limits.next();
    await settled();
    await limits.return?.();
    expect(await pending).toEqual({ value: undefined, done: true });
    use(pair.server, 1);
    expect(await limits.next()).toEqual({ value: undefined, done: true });
    expect(pair.held()).toBe(0);
  });

  test("throws the reason of its signal, also when that came first", async () => {
    await using pair = await stage();
    const reason = new Error("the page was closed");
    const leaving = new AbortController();
    const { signal } = leaving;
    const limits = pair.limits.watch({ signal });
    const pending = rejection(limits.next());
    await settled();
    leaving.abort(reason);
    expect(await pending).toBe(reason);
    expect(await limits.next()).toEqual({ value: undefined, done: true });
    expect(await rejection(pair.limits.watch({ signal }).next())).toBe(reason);
    expect(pair.held()).toBe(0);
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  test("ends when the client is closed, after the newest state", async () => {
    await using pair = await stage();
    const limits = pair.limits.watch();
    const first = limits.next();
    await settled();
    use(pair.server, 1);
    await first;
    use(pair.server, 2);
    await settled();
    await pair.client.close();
    expect(percent(await limits.next())).toBe(2);
    expect(await limits.next()).toEqual({ value: undefined, done: true });
    expect(pair.held()).toBe(0);
  });

  test("throws when the connection is lost", async () => {
    await using pair = await stage();
    const limits = pair.limits.watch();
    const pending = rejection(limits.next());
    await settled();
    pair.server.crash({ exitCode: 4 });
    const error = await pending;
    expect(error).toBeInstanceOf(TransportClosedError);
    expect(error).toMatchObject({ exitCode: 4 });
    expect(pair.held()).toBe(0);
  });

  test("throws when there is no connection, and starts nothing when it is left before", async () => {
    const failure = new Error("no server");
    const limits = new RateLimits(() => Promise.reject(failure)).watch();
    expect(await rejection(limits.next())).toBe(failure);

    let starts = 0;
    const unused = new RateLimits(() => {
      starts += 1;
      return Promise.reject(failure);
    }).watch();
    await unused.return?.();
    expect(await unused.next()).toEqual({ value: undefined, done: true });
    expect(starts).toBe(0);
  });

  test("follows nothing when it is left while the connection is being made", async () => {
    await using pair = await stage();
    const connecting = new Deferred<Session>();
    const { session, listeners } = countingSession(pair.client);
    const limits = new RateLimits(() => connecting.promise).watch();
    const pending = limits.next();
    await limits.return?.();
    connecting.resolve(session);
    await settled();
    expect(listeners()).toBe(0);
    expect(await pending).toEqual({ value: undefined, done: true });
  });
});

test("a reset names its attempt, anew each time unless it is told how", async () => {
  await using pair = await stage();
  pair.server.handle("account/rateLimitResetCredit/consume", () => ({ outcome: "noCredit" }));
  await pair.limits.useResetCredit();
  await pair.limits.useResetCredit();
  await pair.limits.useResetCredit({ creditId: "credit-1", idempotencyKey: "attempt-1" });
  const [first, second, third] = pair.server.paramsOf("account/rateLimitResetCredit/consume");
  expect(first).toEqual({ idempotencyKey: expect.any(String) });
  expect(second?.["idempotencyKey"]).not.toBe(first?.["idempotencyKey"]);
  expect(third).toEqual({ creditId: "credit-1", idempotencyKey: "attempt-1" });
});
