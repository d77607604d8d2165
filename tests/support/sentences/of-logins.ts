import { expect } from "@jest/globals";
import type { SentenceName } from "../../../lib/errors/server-sentences.js";
import { JsonRpcError, LoginFailedError } from "../../../lib/index.js";
import { HeardServer } from "../heard-server.js";
import { comeBack, type LoginServer } from "../login-server.js";
import { rejection, type RealStage } from "../real.js";
import type { Saying } from "./saying.js";

type OfLogin = (stage: RealStage, login: LoginServer) => Promise<Saying>;

/** What is said of a login, on a stage that has a login service. Browser logins have to be claimed. */
export const ofLogins: Partial<Record<SentenceName, OfLogin>> = {
  loginDenied: async (stage) => {
    await using server = await HeardServer.start(stage);
    const attempt = await server.client.login.browser();
    const waiting = rejection(attempt.wait());
    await comeBack(attempt.authUrl, { error: "access_denied" });
    const error = await waiting;
    return failed(server, error, "denied");
  },

  loginCancelled: async (stage) => {
    await using server = await HeardServer.start(stage);
    const attempt = await server.client.login.browser();
    const waiting = rejection(attempt.wait());
    // As another program does that needs the port. Of a cancellation of its own, this client knows anyhow.
    const { origin } = new URL(new URL(attempt.authUrl).searchParams.get("redirect_uri") ?? "");
    await (await fetch(`${origin}/cancel`, { headers: { connection: "close" } })).text();
    return failed(server, await waiting, "cancelled");
  },

  loginNotCompleted: async (stage) => {
    await using server = await HeardServer.start(stage);
    const attempt = await server.client.login.browser();
    const waiting = rejection(attempt.wait());
    // By a plain request, as another client of the same server would.
    const loginId = attempt.loginId ?? "";
    await server.client.request("account/login/cancel", { loginId });
    return failed(server, await waiting, "cancelled");
  },

  quotedBody: async (stage, login) => {
    await using server = await HeardServer.start(stage);
    const canary = "canary-0123456789";
    login.answer("/backend-api/wham/usage", () => ({ status: 500, body: { detail: canary } }));
    const attempt = await server.client.login.deviceCode();
    login.approve();
    await attempt.wait();
    const error = await rejection(server.client.rateLimits.read());
    const text = server.refusals.at(-1) ?? "";
    return {
      text,
      decides: () => {
        expect(text).toContain(canary);
        expect(error).toBeInstanceOf(JsonRpcError);
        expect(error.message).not.toContain(canary);
      },
    };
  },
};

function failed(server: HeardServer, error: Error, reason: string): Saying {
  const [text = ""] = server.told("account/login/completed", "error");
  return {
    text,
    decides: () => {
      expect(error).toBeInstanceOf(LoginFailedError);
      expect(error).toMatchObject({ reason });
    },
  };
}
