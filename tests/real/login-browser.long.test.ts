import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { LoginFailedError, type Codex } from "../../lib/index.js";
import { claimBrowserLogins, comeBack, LoginServer } from "../support/login-server.js";
import { testWhere } from "../support/offers.js";
import { RealStage, rejection } from "../support/real.js";

let claim: AsyncDisposable;
let login: LoginServer;
let stage: RealStage;
let codex: Codex;

beforeAll(async () => {
  claim = await claimBrowserLogins();
}, 300_000);
afterAll(async () => {
  await claim[Symbol.asyncDispose]();
});

const workspaceTest = await testWhere("Account.workspaceName");

beforeEach(async () => {
  login = await LoginServer.open();
  stage = await RealStage.open(login.overrides());
  codex = stage.codex();
});
afterEach(async () => {
  await stage.close();
  await login[Symbol.asyncDispose]();
});

test("a login in a browser goes from the URL to the account", async () => {
  const attempt = await codex.login.browser({ codexStreamlinedLogin: true });
  expect(attempt.authUrl.startsWith(`${login.url}/oauth/authorize?`)).toBe(true);
  const waiting = attempt.wait();
  await finish(attempt.authUrl);
  await waiting;
  expect(await codex.account()).toMatchObject({
    account: { type: "chatgpt", email: "someone@example.com" },
    loginRequired: false,
  });
  const exchange = login.requests.find(({ path }) => path === "/oauth/token");
  expect(exchange?.body).toContain("code=code-1");
});

workspaceTest("the account tells the workspace that was logged in to", async () => {
  const attempt = await codex.login.browser();
  await finish(attempt.authUrl);
  await attempt.wait();
  expect(await codex.account()).toMatchObject({ account: { workspaceName: "The workspace-1" } });
});

test("who declines in the browser denies the login", async () => {
  const attempt = await codex.login.browser();
  const waiting = rejection(attempt.wait());
  expect(await comeBack(attempt.authUrl, { error: "access_denied" })).toBe(200);
  const error = await waiting;
  expect(error).toBeInstanceOf(LoginFailedError);
  expect(error).toMatchObject({ reason: "denied", loginId: attempt.loginId });
  expect(error.message).toContain("access_denied");
  expect(await codex.account()).toMatchObject({ account: null });
});

test("a browser that comes back with somebody else's state changes nothing", async () => {
  const attempt = await codex.login.browser();
  expect(await comeBack(attempt.authUrl, { code: "code-1", state: "another" })).toBe(400);
  await finish(attempt.authUrl);
  await attempt.wait();
});

test("a login in a browser can be cancelled, and the next one succeed", async () => {
  const first = await codex.login.browser();
  const waiting = rejection(first.wait());
  await first.cancel();
  expect(await waiting).toMatchObject({ reason: "cancelled", loginId: first.loginId });

  const second = await codex.login.browser();
  await finish(second.authUrl);
  await second.wait();
  expect(await codex.account()).toMatchObject({ account: { type: "chatgpt" } });
});

test("the next login ends it, be it in a browser or with a code", async () => {
  const first = await codex.login.browser();
  const second = await codex.login.browser();
  expect(await rejection(first.wait())).toMatchObject({ reason: "replaced" });
  const third = await codex.login.deviceCode();
  expect(await rejection(second.wait())).toMatchObject({ reason: "replaced" });
  await third.cancel();
});

test("another server on the machine takes the port, and so cancels the login", async () => {
  const first = await codex.login.browser();
  const waiting = rejection(first.wait());
  await using second = await stage.codex().login.browser();
  const error = await waiting;
  expect(error).toMatchObject({ reason: "cancelled", loginId: first.loginId });
  expect(second.loginId).not.toBe(first.loginId);
});

/** What the browser of somebody does who agrees. */
async function finish(authUrl: string): Promise<void> {
  expect(await comeBack(authUrl, { code: "code-1" })).toBe(302);
  // It is sent on to a page of the server, which is done when it has shown it.
  const page = new URL("/success", new URL(authUrl).searchParams.get("redirect_uri") ?? "");
  await fetch(page, { headers: { connection: "close" } });
}
