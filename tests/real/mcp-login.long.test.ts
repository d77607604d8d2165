import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import {
  InvalidRequestError,
  LoginFailedError,
  LoginTimeoutError,
  TransportClosedError,
  type Codex,
} from "../../lib/index.js";
import { mcpConfig } from "../support/mcp-config.js";
import { startOauthMcpServer, type OauthMcpServer } from "../support/oauth-mcp-server.js";
import { testWhere } from "../support/offers.js";
import { RealStage, rejection } from "../support/real.js";

let guarded: OauthMcpServer;
let stage: RealStage;
let codex: Codex;

beforeAll(async () => {
  guarded = await startOauthMcpServer();
  stage = await RealStage.open({
    config: {
      // Else the tokens go to the keyring of the machine.
      mcp_oauth_credentials_store: "file",
      mcp_servers: {
        guarded: { url: guarded.url },
        denying: { url: guarded.url },
        local: mcpConfig("mcp-server"),
      },
    },
  });
  codex = stage.codex();
});
afterAll(async () => {
  await stage.close();
  await guarded.close();
});

/** Waits until `guarded` has started for a thread, from now on. */
async function untilReady(threadId: string): Promise<void> {
  for await (const startup of codex.mcp.startups()) {
    const { name, status } = startup;
    if (startup.threadId === threadId && name === "guarded" && status === "ready") return;
  }
}

const idTest = await testWhere("McpServerOauthLoginResponse.loginId");

describe("logging in to an MCP server", () => {
  test("ends when the browser has come back, and the thread gets its tools", async () => {
    const { id: threadId } = await codex.startThread();
    const server = async () =>
      (await codex.mcp.started(threadId)).find(({ name }) => name === "guarded");
    expect(await server()).toMatchObject({ runtimeStatus: "authenticationRequired", tools: {} });
    const ready = untilReady(threadId);

    const login = await codex.mcp.login("guarded", { threadId, scopes: ["read"] });
    expect(login.server).toBe("guarded");
    expect(new URL(login.authorizationUrl).searchParams.get("scope")).toBe("read");
    const waiting = login.wait();
    expect(await guarded.visit(login.authorizationUrl, "allow")).toBe(200);
    await waiting;
    await login.wait();
    await ready;

    expect(await server()).toMatchObject({
      runtimeStatus: "connected",
      authStatus: "oAuth",
      tools: { open: { description: "Opens" } },
    });
    const result = await codex.mcp.callTool({ threadId, server: "guarded", tool: "open" });
    expect(result).toMatchObject({ content: [{ text: "Open." }] });
  });

  test("that the user denies fails, for everybody who waits", async () => {
    const login = await codex.mcp.login("denying");
    const failures = [rejection(login.wait()), rejection(login.wait())];
    expect(await guarded.visit(login.authorizationUrl, "deny")).toBe(400);
    const [first, second] = await Promise.all(failures);
    expect(first).toBeInstanceOf(LoginFailedError);
    expect(first).toMatchObject({ reason: "denied" });
    expect(second).toBeInstanceOf(LoginFailedError);
    expect(second).not.toBe(first);
  });

  test("to which nobody comes fails when the server has waited long enough", async () => {
    const login = await codex.mcp.login("denying", { timeoutSecs: 1 });
    const error = await rejection(login.wait());
    expect(error).toBeInstanceOf(LoginFailedError);
    expect(error.message).toContain("timed out");
  });

  test("goes on when a wait is given up", async () => {
    const login = await codex.mcp.login("guarded");
    expect(await rejection(login.wait({ timeoutMs: 1 }))).toBeInstanceOf(LoginTimeoutError);
    const controller = new AbortController();
    const { signal } = controller;
    const waiting = rejection(login.wait({ signal }));
    const gone = new Error("gone");
    controller.abort(gone);
    expect(await waiting).toBe(gone);
    expect(getEventListeners(signal, "abort")).toEqual([]);

    await guarded.visit(login.authorizationUrl, "allow");
    await login.wait();
  });

  idTest("twice at once gives two logins, each with an end of its own", async () => {
    const refused = await codex.mcp.login("guarded");
    const allowed = await codex.mcp.login("guarded");
    await guarded.visit(refused.authorizationUrl, "deny");
    expect(await rejection(refused.wait())).toMatchObject({ reason: "denied" });
    await guarded.visit(allowed.authorizationUrl, "allow");
    await allowed.wait();
  });

  test("ends with the connection", async () => {
    const other = stage.codex();
    const login = await other.mcp.login("guarded");
    const client = await other.client();
    const waiting = rejection(login.wait());
    await other.close();
    expect(await waiting).toBeInstanceOf(TransportClosedError);
    expect(await rejection(login.wait())).toBeInstanceOf(TransportClosedError);
    expect(getEventListeners(client.signal, "abort")).toEqual([]);
  });

  test("is refused for one that is not reached over HTTP, or not configured", async () => {
    const local = await rejection(codex.mcp.login("local"));
    expect(local).toBeInstanceOf(InvalidRequestError);
    expect(local.message).toContain("streamable HTTP");
    expect(await rejection(codex.mcp.login("unknown"))).toBeInstanceOf(InvalidRequestError);
  });
});
