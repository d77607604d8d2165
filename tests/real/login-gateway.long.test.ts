import { afterEach, beforeEach, describe, expect } from "@jest/globals";
import {
  InvalidRequestError,
  LoginFailedError,
  TransportClosedError,
  type Codex,
} from "../../lib/index.js";
import { comeBack, LoginServer } from "../support/login-server.js";
import { testWhere } from "../support/offers.js";
import { RealStage, rejection } from "../support/real.js";

const gatewayToken = "gateway-token-0123456789abcdef0123456789";

let login: LoginServer;
let stage: RealStage;
let codex: Codex;

beforeEach(async () => {
  login = await LoginServer.open();
  login.answer("/gateway/token", () => ({
    body: { access_token: gatewayToken, token_type: "Bearer", expires_in: 3_600 },
  }));
  login.answer("/gateway/device", () => ({
    body: {
      device_code: "device-1",
      user_code: "WXYZ-9876",
      verification_uri: `${login.url}/verify`,
      expires_in: 600,
      interval: 1,
    },
  }));
  stage = await RealStage.open(login.gatewayOverrides());
  codex = stage.codex();
});
afterEach(async () => {
  await stage.close();
  await login[Symbol.asyncDispose]();
});

async function tokenOfATurn(): Promise<string | undefined> {
  await (await codex.startThread()).run("Hi");
  return stage.model.requests.at(-1)?.headers.authorization;
}

const gatewayTest = await testWhere("gateway logins with a code", async () => {
  await using other = await LoginServer.open();
  await using gateway = await RealStage.open(other.gatewayOverrides());
  // It does not start with a configuration that it does not know.
  const status = gateway.codex().login.gatewayStatus();
  return await status.then(
    () => true,
    () => false,
  );
});
const statusTest = await testWhere("account/gatewayOAuth/read");

describe("the gateway of a model provider", () => {
  gatewayTest(
    "is logged in to in a browser, and stays so after a logout of the account",
    async () => {
      const before = await codex.login.gatewayStatus();
      expect(before).toMatchObject({
        required: true,
        supportsDeviceAuth: true,
        status: "notReady",
      });

      const attempt = await codex.login.gateway();
      expect(attempt).toMatchObject({ verificationUrl: null, userCode: null, loginId: null });
      const waiting = attempt.wait();
      expect(await comeBack(attempt.authUrl ?? "", { code: "code-1" })).toBe(200);
      await waiting;
      await codex.logout();
      expect(await codex.login.gatewayStatus()).toMatchObject({ status: "succeeded" });
      expect(await tokenOfATurn()).toBe(`Bearer ${gatewayToken}`);
    },
  );

  gatewayTest(
    "is logged in to with a code, where nothing has to be opened the second time",
    async () => {
      const attempt = await codex.login.gateway({ deviceAuth: true, modelProvider: "mock" });
      expect(attempt).toMatchObject({
        authUrl: null,
        verificationUrl: `${login.url}/verify`,
        userCode: "WXYZ-9876",
      });
      await attempt.wait();
      expect(await tokenOfATurn()).toBe(`Bearer ${gatewayToken}`);

      const again = await codex.login.gateway({ deviceAuth: true });
      expect(again).toMatchObject({ authUrl: null, verificationUrl: null, userCode: null });
      await again.wait();
      await again.cancel();
    },
  );

  gatewayTest("lets a login be cancelled, in a browser and with a code", async () => {
    login.answer("/gateway/token", () => ({
      status: 400,
      body: { error: "authorization_pending" },
    }));
    for (const deviceAuth of [false, true]) {
      const attempt = await codex.login.gateway({ deviceAuth });
      const waiting = rejection(attempt.wait());
      await attempt.cancel();
      await attempt.cancel();
      const error = await waiting;
      expect(error).toBeInstanceOf(LoginFailedError);
      expect(error).toMatchObject({ reason: "cancelled", loginId: attempt.loginId });
    }
    expect(await codex.login.gatewayStatus()).toMatchObject({ status: "failed" });
  });

  gatewayTest("tells when a login fails, without what the gateway answered", async () => {
    login.answer("/gateway/token", () => ({
      status: 400,
      body: { error: "invalid_grant", error_description: `not ${gatewayToken}` },
    }));
    const inBrowser = await codex.login.gateway();
    await comeBack(inBrowser.authUrl ?? "", { code: "code-1" });
    const errors = [await rejection(inBrowser.wait())];
    const withCode = await codex.login.gateway({ deviceAuth: true });
    errors.push(await rejection(withCode.wait()));
    for (const error of errors) {
      expect(error).toMatchObject({ code: "LOGIN_FAILED", reason: "failed" });
      expect(error.message).toContain("Gateway sign-in failed");
      expect(error.message).not.toContain(gatewayToken);
    }
  });

  gatewayTest("has one login at a time, and ends it with the server", async () => {
    const attempt = await codex.login.gateway();
    const error = await rejection(codex.login.gateway());
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error.message).toContain("already in progress");
    const waiting = rejection(attempt.wait());
    const [server] = await stage.processes();
    process.kill(server ?? 0, "SIGKILL");
    expect(await waiting).toBeInstanceOf(TransportClosedError);
    await attempt.cancel();
  });

  statusTest("has to be there: other providers are refused", async () => {
    await using plain = await RealStage.open();
    const other = plain.codex();
    expect(await other.login.gatewayStatus()).toMatchObject({ required: false, status: null });
    const error = await rejection(other.login.gateway());
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error.message).toContain("does not use gateway OAuth");
  });
});
