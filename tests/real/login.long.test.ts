import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { readFile } from "node:fs/promises";
import path from "node:path";
import {
  BrowserLogin,
  InvalidRequestError,
  JsonRpcError,
  LoginFailedError,
  LoginTimeoutError,
  TransportClosedError,
  type Codex,
} from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { LoginServer } from "../support/login-server.js";
import { testWhere } from "../support/offers.js";
import { next, RealStage, rejection } from "../support/real.js";

const apiKey = "sk-loopback-secret";

const userTest = await testWhere("GetAccountResponse.userId");
const knownTest = await testWhere("GetAccountResponse.workspaceRouting");
const sessionTest = await testWhere("accountSession/list");

let login: LoginServer;
let stage: RealStage;
let codex: Codex;

beforeEach(async () => {
  login = await LoginServer.open();
  stage = await RealStage.open(login.overrides());
  codex = stage.codex();
});
afterEach(async () => {
  await stage.close();
  await login[Symbol.asyncDispose]();
});

/** Runs a turn, and tells what the model was sent with it. */
async function headersOfATurn(): Promise<Readonly<Record<string, unknown>>> {
  await (await codex.startThread()).run("Hi");
  return stage.model.requests.at(-1)?.headers ?? {};
}

describe("an API key", () => {
  test("is taken, used, kept for the next server on the same home, and forgotten by the logout", async () => {
    expect(await codex.account()).toMatchObject({ account: null, loginRequired: true });
    await codex.login.apiKey(apiKey);
    expect(await codex.account()).toMatchObject({
      account: { type: "apiKey" },
      loginRequired: false,
    });
    expect(await headersOfATurn()).toMatchObject({ authorization: `Bearer ${apiKey}` });
    await codex.close();

    codex = stage.codex();
    expect(await codex.ready()).toMatchObject({ account: { type: "apiKey" } });
    await codex.logout();
    expect(await codex.account()).toMatchObject({ account: null, loginRequired: true });
    await codex.logout();
  });

  test("replaces another one, however many come at a time", async () => {
    const keys = ["sk-one", "sk-two", "sk-three"];
    await Promise.all(keys.map((key) => codex.login.apiKey(key)));
    const stored = await readFile(path.join(stage.home, "auth.json"), "utf8");
    expect(JSON.parse(stored)).toMatchObject({ OPENAI_API_KEY: "sk-three" });
  });

  test("ends a login that is under way", async () => {
    const attempt = await codex.login.deviceCode();
    await codex.login.apiKey(apiKey);
    expect(await rejection(attempt.wait())).toMatchObject({ reason: "replaced" });
    expect(await codex.account()).toMatchObject({ account: { type: "apiKey" } });
  });
});

describe("a login with a code", () => {
  test("goes from the code to a turn with the account's token", async () => {
    const attempt = await codex.login.deviceCode();
    expect(attempt.verificationUrl).toBe(`${login.url}/codex/device`);
    expect(attempt.userCode).toBe("ABCD-1234");
    const waiting = attempt.wait();
    login.approve();
    await waiting;
    await attempt.wait();

    expect(await codex.account()).toMatchObject({
      account: { type: "chatgpt", email: "someone@example.com", planType: "pro" },
      loginRequired: false,
    });
    const headers = await headersOfATurn();
    expect(headers).toMatchObject({ "chatgpt-account-id": "workspace-1" });
    expect(headers["authorization"]).toMatch(/^Bearer eyJ/);

    await attempt.cancel(); // It is over, so there is nothing to cancel.
    expect(await codex.account()).toMatchObject({ account: { type: "chatgpt" } });
    await codex.account({ refreshToken: true });
    expect(login.requests.map((one) => one.path)).toContain("/refresh");
    expect((await headersOfATurn())["authorization"]).not.toBe(headers["authorization"]);
  });

  userTest("tells who it is", async () => {
    const attempt = await codex.login.deviceCode();
    login.approve();
    await attempt.wait();
    expect(await codex.account()).toMatchObject({ userId: "user-1" });
  });

  test("can be cancelled, more than once; whoever waits is told", async () => {
    const attempt = await codex.login.deviceCode();
    const waiting = [rejection(attempt.wait()), rejection(attempt.wait())];
    await Promise.all([attempt.cancel(), attempt.cancel()]);
    await attempt.cancel();
    const errors = [...(await Promise.all(waiting)), await rejection(attempt.wait())];
    for (const error of errors) {
      expect(error).toBeInstanceOf(LoginFailedError);
      expect(error).toMatchObject({ reason: "cancelled", loginId: attempt.loginId });
    }
    expect(new Set(errors).size).toBe(3);
    login.approve();
    expect(await codex.account()).toMatchObject({ account: null });
  });

  test("is cancelled at the end of the block that made it", async () => {
    const ends: Promise<unknown>[] = [];
    {
      await using attempt = await codex.login.deviceCode();
      ends.push(rejection(attempt.wait()));
    }
    expect(await ends[0]).toMatchObject({ reason: "cancelled" });
  });

  test("goes on when a wait is given up", async () => {
    const attempt = await codex.login.deviceCode();
    const timedOut = await rejection(attempt.wait({ timeoutMs: 20 }));
    expect(timedOut).toBeInstanceOf(LoginTimeoutError);
    expect(timedOut).toMatchObject({ code: "LOGIN_TIMEOUT", timeoutMs: 20 });
    const reason = new Error("the page was closed");
    const leaving = new AbortController();
    const left = rejection(attempt.wait({ signal: leaving.signal }));
    leaving.abort(reason);
    expect(await left).toBe(reason);
    expect(await rejection(attempt.wait({ signal: leaving.signal }))).toBe(reason);

    login.approve();
    await attempt.wait();
    expect(await codex.account()).toMatchObject({ account: { type: "chatgpt" } });
  });

  test("is ended by the next one", async () => {
    const first = await codex.login.deviceCode();
    const second = await codex.login.deviceCode();
    const error = await rejection(first.wait());
    expect(error).toMatchObject({ reason: "replaced", loginId: first.loginId });
    expect(error.message).toContain("one at a time");
    login.approve();
    await second.wait();
  });

  test("tells why it failed, without the secrets that the login service quotes", async () => {
    const secret = "code-0123456789abcdef0123456789";
    login.answer("/oauth/token", () => ({
      status: 400,
      body: { error: "invalid_grant", error_description: `the code ${secret} is not valid` },
    }));
    const client = await codex.client();
    const told = next(client, "account/login/completed");
    const attempt = await codex.login.deviceCode();
    login.approve();
    const error = await rejection(attempt.wait());
    expect((await told).error).toContain(secret);
    expect(error).toBeInstanceOf(LoginFailedError);
    expect(error).toMatchObject({ code: "LOGIN_FAILED", reason: "failed" });
    expect(error.message).toContain("token endpoint returned status 400");
    expect(`${error.stack ?? ""}${JSON.stringify(error)}`).not.toContain(secret);
    await attempt.cancel();
  });

  test("is refused at once when the login service gives no code", async () => {
    login.answer("/api/accounts/deviceauth/usercode", () => ({ status: 500, body: {} }));
    const error = await rejection(codex.login.deviceCode());
    expect(error).toBeInstanceOf(JsonRpcError);
    expect(error.message).toContain("status 500");
  });

  test("ends with the server", async () => {
    const attempt = await codex.login.deviceCode();
    const waiting = rejection(attempt.wait());
    const [server] = await stage.processes();
    process.kill(server ?? 0, "SIGKILL");
    expect(await waiting).toBeInstanceOf(TransportClosedError);
    expect(await rejection(attempt.wait())).toMatchObject({ signal: "SIGKILL" });
    await attempt.cancel();
    // The next call starts another server, where the login can be started again.
    const again = await codex.login.deviceCode();
    login.approve();
    await again.wait();
  });
});

describe("tokens of the application's own", () => {
  test("are used as long as they are accepted, and renewed by the application", async () => {
    const [first, second] = [login.tokens().access_token, login.tokens().access_token];
    const asked: unknown[] = [];
    codex = stage.codex({
      onAuthTokenRefresh: (request) => {
        asked.push(request);
        return { accessToken: second, chatgptAccountId: "workspace-1" };
      },
    });
    stage.model.respond(({ headers }) =>
      headers.authorization === `Bearer ${second}` ? reply.text("Welcome.") : reply.http(401),
    );
    await codex.login.tokens({
      accessToken: first,
      chatgptAccountId: "workspace-1",
      chatgptPlanType: "team",
    });
    expect(await codex.account()).toMatchObject({ account: { type: "chatgpt", planType: "team" } });

    const result = await (await codex.startThread()).run("Hi");
    expect(result.finalResponse).toBe("Welcome.");
    expect(asked).toEqual([{ reason: "unauthorized", previousAccountId: "workspace-1" }]);
    const sent = stage.model.requests.map(({ headers }) => headers.authorization);
    expect(sent).toEqual([`Bearer ${first}`, `Bearer ${second}`]);
  });

  test("may be given anew, stay out of the home, and keep other logins out", async () => {
    const tokens = () => ({
      accessToken: login.tokens().access_token,
      chatgptAccountId: "workspace-1",
    });
    await codex.login.tokens(tokens());
    const renewed = tokens();
    await codex.login.tokens(renewed);
    expect(await headersOfATurn()).toMatchObject({
      authorization: `Bearer ${renewed.accessToken}`,
    });
    await expect(readFile(path.join(stage.home, "auth.json"))).rejects.toThrow("ENOENT");

    const error = await rejection(codex.login.apiKey(apiKey));
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error.message).not.toContain(apiKey);
    await codex.logout();
    await codex.login.apiKey(apiKey);
  });

  test("that are none are refused without being quoted", async () => {
    const accessToken = "not-a-token";
    const error = await rejection(
      codex.login.tokens({ accessToken, chatgptAccountId: "workspace-1" }),
    );
    expect(error).toBeInstanceOf(JsonRpcError);
    expect(error.message).not.toContain(accessToken);
  });

  knownTest("of an account that the backend does not know come to nothing", async () => {
    const { access_token: accessToken } = login.tokens("workspace-9");
    const error = await rejection(
      codex.login.tokens({ accessToken, chatgptAccountId: "workspace-9" }),
    );
    expect(error).toBeInstanceOf(LoginFailedError);
    expect(error).toMatchObject({ reason: "failed", loginId: null });
    expect(error.message).toContain("selected workspace missing");
  });
});

describe("Amazon Bedrock", () => {
  test("takes an API key or access keys, and becomes the model provider", async () => {
    // The configuration of the stage would keep the server from changing the provider.
    codex = stage.codex({ config: {} });
    await codex.login.bedrockApiKey({ apiKey: "bedrock-key", region: "us-east-1" });
    const account = { type: "amazonBedrock", usesCodexManagedCredentials: true };
    expect(await codex.account()).toMatchObject({ account, loginRequired: false });
    await codex.logout();
    await codex.login.bedrockAccessKeys({
      accessKeyId: "AKIA",
      secretAccessKey: "bedrock-secret",
      region: "eu-west-1",
    });
    expect(await codex.account()).toMatchObject({ account });
    const config = await readFile(path.join(stage.home, "config.toml"), "utf8");
    expect(config).toContain(`model_provider = "amazon-bedrock"`);
    expect(config).toContain(`region = "eu-west-1"`);
  });

  test("is refused where the provider is given on the command line", async () => {
    const error = await rejection(
      codex.login.bedrockApiKey({ apiKey: "bedrock-key", region: "us-east-1" }),
    );
    expect(error).toBeInstanceOf(InvalidRequestError);
    expect(error.message).not.toContain("bedrock-key");
  });
});

describe("the workspaces of a login", () => {
  sessionTest("can be listed and changed", async () => {
    login.workspaces = ["workspace-1", "workspace-2"];
    login.answer("/backend-api/accounts/switch-workspace-token", ({ body }) => {
      const { workspace_id: id } = JSON.parse(body) as { workspace_id: string };
      return { body: login.tokens(id) };
    });
    const attempt = await codex.login.deviceCode();
    login.approve();
    await attempt.wait();

    const { sessions, activeSessionId } = await codex.login.sessions({
      refreshWorkspaceMetadata: true,
    });
    expect(sessions).toHaveLength(1);
    expect(sessions[0]).toMatchObject({
      sessionId: activeSessionId,
      selectedWorkspaceAccountId: "workspace-1",
    });
    expect(sessions[0]?.workspaces.map(({ accountId }) => accountId)).toEqual(login.workspaces);

    const sessionId = activeSessionId ?? "";
    const changed = await codex.login.switchSession({ sessionId, accountId: "workspace-2" });
    if (changed instanceof BrowserLogin) throw new Error("no other login was called for");
    expect(changed.sessions[0]?.selectedWorkspaceAccountId).toBe("workspace-2");
    expect(await headersOfATurn()).toMatchObject({ "chatgpt-account-id": "workspace-2" });
  });
});
