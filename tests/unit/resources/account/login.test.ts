import { afterEach, describe, expect, jest, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import { Login } from "../../../../lib/resources/account/login.js";
import { BrowserLogin } from "../../../../lib/resources/account/login-attempt.js";
import { ProtocolError, TransportClosedError } from "../../../../lib/errors/connection-errors.js";
import { InvalidArgumentError } from "../../../../lib/errors/invalid-argument-error.js";
import { LoginTimeoutError, type LoginFailedError } from "../../../../lib/errors/login-errors.js";
import { InvalidRequestError } from "../../../../lib/errors/rpc-errors.js";
import { rejection, settled } from "../../../support/collect.js";
import { countingSession } from "../../../support/counting-session.js";
import { later, linked, ResponseError, type LinkedServer } from "../../../support/linked-server.js";

const tokens = { accessToken: "access-secret", chatgptAccountId: "workspace-1" };

/** A client on a server where each login with an id is `"login-1"`, `"login-2"` and so on. */
async function stage() {
  const { client, server, ...pair } = await linked();
  let ids = 0;
  server.handle("account/login/start", ({ type }) => {
    if (type !== "chatgpt" && type !== "chatgptDeviceCode") return { type };
    const loginId = `login-${(ids += 1)}`;
    return type === "chatgpt"
      ? { type, loginId, authUrl: "https://login.example/authorize" }
      : { type, loginId, verificationUrl: "https://login.example/device", userCode: "ABCD-1234" };
  });
  const { session, listeners } = countingSession(client);
  const before = getEventListeners(session.connectionSignal, "abort").length;
  return {
    ...pair,
    client,
    server,
    login: new Login(() => Promise.resolve(session)),
    /** What logins still have on the connection. */
    held: () => listeners() + getEventListeners(session.connectionSignal, "abort").length - before,
  };
}

function complete(server: LinkedServer, loginId: string | null, error?: string): void {
  server.notify("account/login/completed", {
    loginId,
    success: error === undefined,
    error: error ?? null,
    onboardingEntrypoint: null,
  });
}

afterEach(() => {
  jest.useRealTimers();
});

describe("a login that somebody has to finish", () => {
  test("may end before its id is known", async () => {
    await using pair = await stage();
    pair.server.handle("account/login/start", () => later);
    const starting = pair.login.deviceCode();
    const request = await pair.server.nextRequest("account/login/start");
    complete(pair.server, "somebody-else's", "not ours");
    complete(pair.server, "login-1");
    pair.server.respond(request, {
      type: "chatgptDeviceCode",
      loginId: "login-1",
      verificationUrl: "https://login.example/device",
      userCode: "ABCD-1234",
    });
    await (await starting).wait();
    expect(pair.held()).toBe(0);
  });

  test("ends with its own id only", async () => {
    await using pair = await stage();
    const attempt = await pair.login.browser();
    complete(pair.server, "login-2");
    complete(pair.server, null);
    expect(await rejection(attempt.wait({ timeoutMs: 5 }))).toBeInstanceOf(LoginTimeoutError);
    expect(pair.held()).toBe(2);
    complete(pair.server, "login-1");
    await attempt.wait();
    complete(pair.server, "login-1", "too late");
    await settled();
    await attempt.wait();
    expect(pair.held()).toBe(0);
  });

  test("has succeeded when the account is there, which older servers tell a little later", async () => {
    await using pair = await stage();
    let account: { type: "apiKey" } | null = null;
    pair.server.handle("account/read", () => ({ account, requiresOpenaiAuth: true }));
    const attempt = await pair.login.browser();
    const waiting = attempt.wait();
    complete(pair.server, "login-1");
    await pair.server.nextRequest("account/read");
    expect(await rejection(attempt.wait({ timeoutMs: 5 }))).toBeInstanceOf(LoginTimeoutError);
    account = { type: "apiKey" };
    pair.server.notify("account/updated", { authMode: "apikey", planType: null });
    await waiting;
    expect(pair.held()).toBe(0);
  });

  test("ends with the connection, also while its account is not there", async () => {
    await using pair = await stage();
    pair.server.handle("account/read", () => ({ account: null, requiresOpenaiAuth: true }));
    const attempt = await pair.login.browser();
    const waiting = rejection(attempt.wait());
    complete(pair.server, "login-1");
    await pair.server.nextRequest("account/read");
    pair.server.crash({ exitCode: 1 });
    expect(await waiting).toBeInstanceOf(TransportClosedError);
    expect(pair.held()).toBe(0);
  });

  test("needs nobody who waits: a failure is no unhandled rejection, and holds nothing", async () => {
    const unhandled = jest.fn();
    process.on("unhandledRejection", unhandled);
    try {
      await using pair = await stage();
      await pair.login.deviceCode();
      complete(pair.server, "login-1", "no");
      await settled();
      expect(pair.held()).toBe(0);
      await pair.login.browser();
      pair.server.crash({ exitCode: 3 });
      await pair.client.closed;
      await settled();
      expect(pair.held()).toBe(0);
      expect(unhandled).not.toHaveBeenCalled();
    } finally {
      process.off("unhandledRejection", unhandled);
    }
  });

  test("leaves nothing on a signal, however the wait ended", async () => {
    await using pair = await stage();
    const attempt = await pair.login.browser();
    const leaving = new AbortController();
    const { signal } = leaving;
    await rejection(attempt.wait({ signal, timeoutMs: 5 }));
    expect(getEventListeners(signal, "abort")).toEqual([]);
    const waiting = attempt.wait({ signal });
    complete(pair.server, "login-1");
    await waiting;
    expect(getEventListeners(signal, "abort")).toEqual([]);
    leaving.abort(new Error("too late to matter"));
  });

  test("rejects each wait with an error of its own when the connection is lost", async () => {
    await using pair = await stage();
    const attempt = await pair.login.browser();
    const waits = [rejection(attempt.wait()), rejection(attempt.wait())];
    pair.server.crash({ exitCode: 7 });
    const errors = [...(await Promise.all(waits)), await rejection(attempt.wait())];
    for (const error of errors) {
      expect(error).toBeInstanceOf(TransportClosedError);
      expect(error).toMatchObject({ exitCode: 7, method: "the login" });
    }
    expect(new Set(errors).size).toBe(3);
    await attempt.cancel();
    expect(pair.server.paramsOf("account/login/cancel")).toEqual([]);
  });

  test("that is refused, or answered with nonsense, holds nothing", async () => {
    await using pair = await stage();
    pair.server.handle("account/login/start", () => {
      throw new ResponseError(-32_600, "External auth is active.");
    });
    expect(await rejection(pair.login.browser())).toBeInstanceOf(InvalidRequestError);
    pair.server.handle("account/login/start", () => ({ type: "apiKey" }));
    expect(await rejection(pair.login.browser())).toBeInstanceOf(ProtocolError);
    expect(await rejection(pair.login.deviceCode())).toBeInstanceOf(ProtocolError);
    expect(pair.held()).toBe(0);
  });

  test("that was refused ends no other: the one before it is not replaced", async () => {
    await using pair = await stage();
    const attempt = await pair.login.browser();
    pair.server.handle("account/login/start", () => {
      throw new ResponseError(-32_603, "no ports left");
    });
    await rejection(pair.login.browser());
    complete(pair.server, "login-1", "Sign-in failed: access_denied");
    expect(await rejection(attempt.wait())).toMatchObject({ reason: "denied" });
  });

  test("keeps the server's sentence, without long words and of bounded length", async () => {
    await using pair = await stage();
    const attempt = await pair.login.browser();
    const secret = "eyJhbGciOiJub25lIn0.eyJlbWFpbCI6ImEifQ.c2ln";
    complete(pair.server, "login-1", `The token ${secret} is not valid. ${"Sorry. ".repeat(100)}`);
    const error = (await rejection(attempt.wait())) as LoginFailedError;
    expect(error.serverMessage).toMatch(/^The token \[…\] is not valid\. Sorry\./);
    expect(error.serverMessage).toHaveLength(300);
    expect(error.message).toBe(`The login failed: ${error.serverMessage ?? ""}`);
  });

  test("may fail without a reason", async () => {
    await using pair = await stage();
    const attempt = await pair.login.browser();
    pair.server.notify("account/login/completed", { loginId: "login-1", success: false });
    const error = await rejection(attempt.wait());
    expect(error).toMatchObject({ reason: "failed", serverMessage: null });
    expect((error as Error).message).toContain("gave no reason");
  });

  test("refuses a time limit that is none", async () => {
    await using pair = await stage();
    const attempt = await pair.login.browser();
    for (const timeoutMs of [0, -1, Number.NaN]) {
      expect(await rejection(attempt.wait({ timeoutMs }))).toBeInstanceOf(InvalidArgumentError);
    }
    const waiting = attempt.wait({ timeoutMs: Infinity });
    complete(pair.server, "login-1");
    await waiting;
  });
});

describe("cancelling", () => {
  test("waits for the end, which may still be a success", async () => {
    await using pair = await stage();
    const attempt = await pair.login.browser();
    pair.server.handle("account/login/cancel", () => {
      complete(pair.server, "login-1");
      return { status: "notFound" };
    });
    await attempt.cancel();
    await attempt.wait();
    await attempt.cancel();
    expect(pair.server.paramsOf("account/login/cancel")).toEqual([{ loginId: "login-1" }]);
  });

  test("ends the login even when the server never tells its end", async () => {
    await using pair = await stage();
    const attempt = await pair.login.browser();
    pair.server.handle("account/login/cancel", () => ({ status: "notFound" }));
    jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
    const cancelling = attempt.cancel();
    await pair.server.nextRequest("account/login/cancel");
    await settled();
    await jest.advanceTimersByTimeAsync(5_000);
    await cancelling;
    jest.useRealTimers();
    expect(await rejection(attempt.wait())).toMatchObject({
      reason: "cancelled",
      loginId: "login-1",
      serverMessage: null,
    });
    expect(pair.held()).toBe(0);
  });

  test("that is refused says so, and leaves the login as it was", async () => {
    await using pair = await stage();
    const attempt = await pair.login.browser();
    pair.server.handle("account/login/cancel", () => {
      throw new ResponseError(-32_600, "not now");
    });
    expect(await rejection(attempt.cancel())).toBeInstanceOf(InvalidRequestError);
    complete(pair.server, "login-1", "Login server error: the port is taken");
    expect(await rejection(attempt.wait())).toMatchObject({ reason: "failed" });
  });
});

describe("a login that needs nobody else", () => {
  test("is over when the server says so, not when it has taken the request", async () => {
    await using pair = await stage();
    let over = false;
    const waiting = pair.login.apiKey("sk-secret").then(() => (over = true));
    await pair.server.nextRequest("account/login/start");
    complete(pair.server, "login-9");
    await settled();
    expect(over).toBe(false);
    complete(pair.server, null);
    await waiting;
    expect(pair.server.paramsOf("account/login/start")).toEqual([
      { type: "apiKey", apiKey: "sk-secret" },
    ]);
    expect(pair.held()).toBe(0);
  });

  test("waits for the one before it, whose end has no id either", async () => {
    await using pair = await stage();
    const first = rejection(pair.login.tokens(tokens));
    const second = pair.login.apiKey("sk-secret");
    await pair.server.nextRequest("account/login/start");
    await settled();
    expect(pair.server.paramsOf("account/login/start")).toHaveLength(1);
    complete(pair.server, null, "no such workspace");
    expect(await first).toMatchObject({ reason: "failed", loginId: null });
    await pair.server.nextRequest("account/login/start");
    complete(pair.server, null);
    await second;
  });

  test("gives up in time, and lets the next one go on when its end has come", async () => {
    await using pair = await stage();
    const timedOut = await rejection(pair.login.apiKey("sk-secret", { timeoutMs: 20 }));
    expect(timedOut).toBeInstanceOf(LoginTimeoutError);
    expect(timedOut).toMatchObject({ timeoutMs: 20 });
    await pair.server.nextRequest("account/login/start");
    const reason = new Error("the page was closed");
    const leaving = new AbortController();
    const left = rejection(pair.login.apiKey("sk-secret", { signal: leaving.signal }));
    complete(pair.server, null);
    await pair.server.nextRequest("account/login/start");
    leaving.abort(reason);
    expect(await left).toBe(reason);
    complete(pair.server, null);
    await settled();
    expect(pair.held()).toBe(0);
    const signal = AbortSignal.abort(reason);
    expect(await rejection(pair.login.apiKey("sk-secret", { signal }))).toBe(reason);
    expect(pair.server.paramsOf("account/login/start")).toHaveLength(2);
  });

  test("gives up in time behind another one, and is then never sent", async () => {
    await using pair = await stage();
    const first = pair.login.tokens(tokens);
    await pair.server.nextRequest("account/login/start");
    const leaving = new AbortController();
    const { signal } = leaving;
    const left = rejection(pair.login.apiKey("sk-left", { signal }));
    const late = rejection(pair.login.apiKey("sk-late", { timeoutMs: 5 }));
    const last = pair.login.apiKey("sk-last");
    expect(await late).toMatchObject({ code: "LOGIN_TIMEOUT", timeoutMs: 5 });
    const reason = new Error("the page was closed");
    leaving.abort(reason);
    expect(await left).toBe(reason);
    expect(getEventListeners(signal, "abort")).toEqual([]);
    complete(pair.server, null);
    await first;
    await pair.server.nextRequest("account/login/start");
    complete(pair.server, null);
    await last;
    const sent = pair.server.paramsOf("account/login/start");
    expect(sent).toMatchObject([{ type: "chatgptAuthTokens" }, { apiKey: "sk-last" }]);
    expect(pair.held()).toBe(0);
  });

  test.each([
    ["a failure", "no such workspace"],
    ["a success", undefined],
  ])("takes its own end, late as it may be, and no other does: %s", async (_name, problem) => {
    await using pair = await stage();
    pair.server.handle("account/login/start", () => later);
    const leaving = new AbortController();
    const left = rejection(pair.login.tokens(tokens, { signal: leaving.signal }));
    const request = await pair.server.nextRequest("account/login/start");
    leaving.abort(new Error("the page was closed"));
    await left;
    pair.server.handle("account/login/start", ({ type }) => ({ type }));
    const next = rejection(pair.login.apiKey("sk-secret"));
    await settled();
    expect(pair.server.paramsOf("account/login/start")).toHaveLength(1);
    pair.server.respond(request, { type: "chatgptAuthTokens" });
    complete(pair.server, null, problem);
    await pair.server.nextRequest("account/login/start");
    complete(pair.server, null, "no such key");
    expect(await next).toMatchObject({ serverMessage: "no such key" });
    expect(pair.held()).toBe(0);
  });

  test("does not keep the next one waiting for ever when its end never comes", async () => {
    await using pair = await stage();
    const leaving = new AbortController();
    const left = rejection(pair.login.tokens(tokens, { signal: leaving.signal }));
    await pair.server.nextRequest("account/login/start");
    jest.useFakeTimers({ doNotFake: ["nextTick", "setImmediate", "queueMicrotask"] });
    leaving.abort(new Error("the page was closed"));
    await left;
    const next = pair.login.apiKey("sk-secret");
    await settled();
    await jest.advanceTimersByTimeAsync(5_000);
    await pair.server.nextRequest("account/login/start");
    complete(pair.server, null);
    await next;
    jest.useRealTimers();
    expect(pair.held()).toBe(0);
  });

  test("never tells its secrets, and is checked before anything is sent", async () => {
    await using pair = await stage();
    const { login } = pair;
    const keys = { accessKeyId: "AKIA", secretAccessKey: "", region: "us-east-1" };
    const bad: [string, () => Promise<unknown>][] = [
      ["apiKey", () => login.apiKey("")],
      ["apiKey", () => login.apiKey(12_345 as never)],
      ["accessToken", () => login.tokens({ ...tokens, accessToken: "" })],
      ["chatgptAccountId", () => login.tokens({ ...tokens, chatgptAccountId: "" })],
      ["region", () => login.bedrockApiKey({ apiKey: "bedrock-secret", region: "" })],
      ["secretAccessKey", () => login.bedrockAccessKeys(keys)],
      ["timeoutMs", () => login.apiKey("sk-secret", { timeoutMs: 0 })],
    ];
    for (const [argument, call] of bad) {
      const error = await rejection(call());
      expect(error).toBeInstanceOf(InvalidArgumentError);
      expect(error).toMatchObject({ argument });
      expect((error as Error).message).not.toMatch(/-secret|12345/);
    }
    expect(pair.server.paramsOf("account/login/start")).toEqual([]);
  });
});

describe("changing the workspace", () => {
  test("may call for another login, which is one like any other", async () => {
    await using pair = await stage();
    pair.server.handle("accountSession/switch", () => ({
      loginId: "login-5",
      authUrl: "https://login.example/sso",
    }));
    const params = { sessionId: "session-1", accountId: "workspace-2", allowBrowserLogin: true };
    const login = await pair.login.switchSession(params);
    if (!(login instanceof BrowserLogin)) throw new Error("a login was expected");
    expect(login.authUrl).toBe("https://login.example/sso");
    complete(pair.server, "login-5");
    await login.wait();
    expect(pair.server.paramsOf("accountSession/switch")).toEqual([params]);
    expect(pair.held()).toBe(0);
  });

  test("holds nothing when it is done at once", async () => {
    await using pair = await stage();
    const sessions = { activeSessionId: "session-1", sessions: [] };
    pair.server.handle("accountSession/switch", () => sessions);
    const params = { sessionId: "session-1", accountId: "workspace-2" };
    expect(await pair.login.switchSession(params)).toEqual(sessions);
    expect(pair.held()).toBe(0);
  });
});

describe("the login of a gateway", () => {
  const changed = (server: LinkedServer, params: object) => {
    server.notify("account/gatewayOAuth/changed", {
      loginId: null,
      authUrl: null,
      providerId: "mock",
      status: "started",
      error: null,
      ...params,
    });
  };

  test("follows its own provider and its own id, whatever comes first", async () => {
    await using pair = await stage();
    pair.server.handle("account/gatewayOAuth/login", () => later);
    const starting = pair.login.gateway({ deviceAuth: true, modelProvider: "mock" });
    const request = await pair.server.nextRequest("account/gatewayOAuth/login");
    changed(pair.server, { providerId: "other", authUrl: "https://other.example" });
    changed(pair.server, { loginId: "login-8", status: "failed", error: "not ours" });
    changed(pair.server, { loginId: "login-7", status: "succeeded" });
    pair.server.respond(request, {
      prompt: { loginId: "login-7", verificationUrl: "https://gw.example", userCode: "WXYZ" },
    });
    const attempt = await starting;
    expect(attempt).toMatchObject({ authUrl: null, userCode: "WXYZ", loginId: "login-7" });
    await attempt.wait();
    expect(pair.held()).toBe(0);
  });

  test("in a browser ends with the answer to the request", async () => {
    await using pair = await stage();
    pair.server.handle("account/gatewayOAuth/login", () => later);
    const starting = pair.login.gateway();
    const request = await pair.server.nextRequest("account/gatewayOAuth/login");
    changed(pair.server, { authUrl: "https://gw.example/authorize" });
    const attempt = await starting;
    expect(attempt.authUrl).toBe("https://gw.example/authorize");
    pair.server.refuse(request, -32_603, "Gateway sign-in was canceled");
    expect(await rejection(attempt.wait())).toMatchObject({ reason: "cancelled" });
    await attempt.cancel();
    expect(pair.server.paramsOf("account/gatewayOAuth/cancel")).toEqual([]);
    expect(pair.held()).toBe(0);
  });

  test("that is refused at once is an error of the call, and holds nothing", async () => {
    await using pair = await stage();
    pair.server.handle("account/gatewayOAuth/login", () => {
      throw new ResponseError(-32_600, "The selected provider does not use gateway OAuth");
    });
    expect(await rejection(pair.login.gateway())).toBeInstanceOf(InvalidRequestError);
    await settled();
    expect(pair.held()).toBe(0);
  });

  test("ends with the connection", async () => {
    await using pair = await stage();
    pair.server.handle("account/gatewayOAuth/login", () => later);
    const starting = pair.login.gateway();
    await pair.server.nextRequest("account/gatewayOAuth/login");
    changed(pair.server, { authUrl: "https://gw.example/authorize" });
    const attempt = await starting;
    const waiting = rejection(attempt.wait());
    pair.server.crash({ exitCode: 1 });
    expect(await waiting).toBeInstanceOf(TransportClosedError);
    expect(pair.held()).toBe(0);
  });
});
