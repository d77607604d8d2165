import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  InvalidRequestError,
  TransportClosedError,
  type Codex,
  type KnownRateLimits,
} from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { LoginServer } from "../support/login-server.js";
import { next, RealStage, rejection } from "../support/real.js";

let backend: LoginServer;
let stage: RealStage;
let codex: Codex;

beforeEach(async () => {
  backend = await LoginServer.open();
  stage = await RealStage.open(backend.overrides());
  codex = stage.codex();
});
afterEach(async () => {
  await stage.close();
  await backend[Symbol.asyncDispose]();
});

async function logIn(): Promise<void> {
  await codex.login.tokens({
    accessToken: backend.tokens().access_token,
    chatgptAccountId: "workspace-1",
  });
}

/** Runs a turn whose answer comes with these headers. */
async function turnWith(headers: Readonly<Record<string, string>>): Promise<void> {
  stage.model.enqueue([reply.headers(headers), reply.text("Hello.")]);
  await (await codex.startThread()).run("Hi");
}

/** The headers that tell how much of a window is used. */
function used(percent: number, limit = "codex", window = "primary"): Record<string, string> {
  return {
    [`x-${limit}-${window}-used-percent`]: String(percent),
    [`x-${limit}-${window}-window-minutes`]: "300",
    [`x-${limit}-${window}-reset-at`]: "1900000000",
  };
}

async function take(limits: AsyncIterator<KnownRateLimits, undefined>): Promise<KnownRateLimits> {
  const { value, done } = await limits.next();
  if (done) throw new Error("the iteration has ended");
  return value;
}

describe("the account", () => {
  test("is the login's, and ready() tells the same", async () => {
    await codex.login.apiKey("sk-loopback-secret");
    const { account, loginRequired, requiresOpenaiAuth } = await codex.account();
    expect([account, loginRequired, requiresOpenaiAuth]).toEqual([{ type: "apiKey" }, false, true]);
    expect(await codex.ready()).toMatchObject({ account, loginRequired });
  });

  test("has usage, and messages of its workspace", async () => {
    backend.answer("/backend-api/wham/profiles/me", () => ({
      body: { stats: { lifetime_tokens: 12_345 } },
    }));
    await logIn();
    expect((await codex.usage()).summary).toMatchObject({ lifetimeTokens: 12_345 });
    expect(await codex.workspaceMessages()).toEqual({ featureEnabled: false, messages: [] });
  });

  test("with an API key has no usage and no rate limits to read", async () => {
    await codex.login.apiKey("sk-loopback-secret");
    const calls = [
      () => codex.usage(),
      () => codex.rateLimits.read(),
      () => codex.workspaceMessages(),
    ];
    for (const call of calls) {
      const error = await rejection(call());
      expect(error).toBeInstanceOf(InvalidRequestError);
      expect(error.message).toContain("chatgpt authentication required");
    }
  });
});

describe("rate limits", () => {
  test("are read whole, with credits to reset them", async () => {
    backend.answer("/backend-api/wham/usage", () => ({
      body: {
        plan_type: "pro",
        rate_limit: {
          allowed: true,
          limit_reached: false,
          primary_window: {
            used_percent: 12,
            limit_window_seconds: 18_000,
            reset_after_seconds: 60,
            reset_at: 1_900_000_000,
          },
        },
        credits: { has_credits: true, unlimited: false, balance: "9.5" },
      },
    }));
    backend.answer("/backend-api/wham/rate-limit-reset-credits/consume", () => ({
      body: { code: "reset", windows_reset: 1 },
    }));
    backend.answer("/backend-api/wham/accounts/send_add_credits_nudge_email", () => ({ body: {} }));
    await logIn();

    const { rateLimits, rateLimitsByLimitId } = await codex.rateLimits.read();
    expect(rateLimits).toMatchObject({
      limitId: "codex",
      primary: { usedPercent: 12, windowDurationMins: 300 },
      credits: { balance: "9.5" },
      planType: "pro",
    });
    expect(rateLimitsByLimitId).toEqual({ codex: rateLimits });

    expect(await codex.rateLimits.useResetCredit({ idempotencyKey: "attempt-1" })).toBe("reset");
    expect(await codex.rateLimits.useResetCredit()).toBe("reset");
    const keys = backend.requests
      .filter(({ path }) => path.endsWith("/consume"))
      .map(({ body }) => (JSON.parse(body) as { redeem_request_id: string }).redeem_request_id);
    expect(keys).toEqual(["attempt-1", expect.stringMatching(/^[0-9a-f-]{36}$/)]);
    expect(await codex.rateLimits.askOwner("usage_limit")).toBe("sent");
  });

  test("are watched from turn to turn, where each tells only a part", async () => {
    const limits = codex.rateLimits.watch();
    const first = take(limits);
    await turnWith(used(41));
    const primary = { usedPercent: 41, windowDurationMins: 300, resetsAt: 1_900_000_000 };
    expect((await first).rateLimits).toMatchObject({ limitId: "codex", primary, secondary: null });

    await turnWith({
      ...used(7, "codex", "secondary"),
      "x-codex-credits-has-credits": "true",
      "x-codex-credits-unlimited": "false",
      "x-codex-credits-balance": "5",
    });
    const second = await take(limits);
    expect(second.rateLimits).toMatchObject({
      primary,
      secondary: { usedPercent: 7 },
      credits: { hasCredits: true, balance: "5" },
    });

    // A model with a limit of its own leaves the others as they are.
    await turnWith({ ...used(90, "other"), "x-codex-active-limit": "other" });
    const third = await take(limits);
    expect(third.rateLimits).toEqual(second.rateLimits);
    expect(third.rateLimitsByLimitId["other"]).toMatchObject({ primary: { usedPercent: 90 } });
    await limits.return?.();
  });

  test("come as the newest state to who is late, and to who begins late", async () => {
    const client = await codex.client();
    const late = codex.rateLimits.watch();
    const first = take(late);
    await turnWith(used(10));
    await first;
    for (const percent of [20, 30, 40]) await turnWith(used(percent));
    expect((await take(late)).rateLimits.primary?.usedPercent).toBe(40);
    for await (const { rateLimits } of codex.rateLimits.watch()) {
      expect(rateLimits.primary?.usedPercent).toBe(40);
      break;
    }
    expect(client.session.rateLimits.current?.rateLimits.primary?.usedPercent).toBe(40);
    await late.return?.();
  });

  test("belong to an account: another one begins anew", async () => {
    const client = await codex.client();
    await turnWith(used(80));
    expect(client.session.rateLimits.current).not.toBeNull();
    const changed = next(client, "account/updated");
    await codex.logout();
    await changed;
    expect(client.session.rateLimits.current).toBeNull();
    await codex.login.apiKey("sk-another");
    await turnWith(used(3));
    expect(client.session.rateLimits.current?.rateLimits.primary?.usedPercent).toBe(3);
  });

  test("can be watched until the server is gone", async () => {
    const limits = codex.rateLimits.watch();
    const first = take(limits);
    await turnWith(used(1));
    await first;
    const waiting = rejection(limits.next());
    const [server] = await stage.processes();
    process.kill(server ?? 0, "SIGKILL");
    expect(await waiting).toBeInstanceOf(TransportClosedError);
    expect(await limits.next()).toEqual({ value: undefined, done: true });
  });
});
