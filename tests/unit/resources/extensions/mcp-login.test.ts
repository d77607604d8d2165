import { expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import { TransportClosedError } from "../../../../lib/errors/connection-errors.js";
import { LoginFailedError } from "../../../../lib/errors/login-errors.js";
import { Mcp } from "../../../../lib/resources/extensions/mcp.js";
import { rejection, settled } from "../../../support/collect.js";
import { countingSession } from "../../../support/counting-session.js";
import { later, linked, ResponseError } from "../../../support/linked-server.js";

const method = "mcpServer/oauth/login";
const url = "https://login.test/authorize?state=1";

/** A server that names its logins `login-1` and so on, unless it has none to name. */
async function stage({ named = true } = {}) {
  const pair = await linked();
  const { client, server } = pair;
  let count = 0;
  server.handle(method, () => {
    const loginId = `login-${(count += 1)}`;
    return named ? { authorizationUrl: url, loginId } : { authorizationUrl: url };
  });
  const { getSession, listeners: open } = countingSession(client);
  const end = (params: object) => {
    const told = { name: "docs", threadId: null, success: true, ...params };
    server.notify("mcpServer/oauthLogin/completed", told);
  };
  return {
    client,
    server,
    mcp: new Mcp(getSession),
    end,
    open,
    [Symbol.asyncDispose]: pair[Symbol.asyncDispose],
  };
}

test("a login is sent with its options, and gives the address to go to", async () => {
  await using s = await stage();
  const login = await s.mcp.login("docs", { scopes: ["read"], timeoutSecs: 30 });
  expect(login).toMatchObject({ server: "docs", authorizationUrl: url });
  expect(s.server.paramsOf(method)).toEqual([{ name: "docs", scopes: ["read"], timeoutSecs: 30 }]);
});

test("its end is known by its id, and then nothing listens any more", async () => {
  await using s = await stage();
  const login = await s.mcp.login("docs");
  let ended = false;
  const waiting = login.wait().then(() => (ended = true));
  s.end({ loginId: "login-2" });
  await settled();
  expect(ended).toBe(false);
  expect(s.open()).toBe(1);
  s.end({ loginId: "login-1" });
  await waiting;
  expect(s.open()).toBe(0);
  expect(getEventListeners(s.client.signal, "abort")).toEqual([]);
});

test("its end may come before the answer that names it", async () => {
  await using s = await stage();
  s.server.handle(method, () => later);
  const starting = s.mcp.login("docs");
  const request = await s.server.nextRequest(method);
  s.server.sendTogether([
    {
      method: "mcpServer/oauthLogin/completed",
      params: { name: "docs", threadId: null, loginId: "login-8", success: true },
    },
    {
      method: "mcpServer/oauthLogin/completed",
      params: { name: "docs", threadId: null, loginId: "login-9", success: false, error: "late" },
    },
    { id: request.id, result: { authorizationUrl: url, loginId: "login-9" } },
  ]);
  const login = await starting;
  expect(await rejection(login.wait())).toMatchObject({ loginId: "login-9", reason: "failed" });
  expect(s.open()).toBe(0);
});

test("without an id, its end is known by the name of the MCP server", async () => {
  await using s = await stage({ named: false });
  const login = await s.mcp.login("docs");
  s.end({ name: "other" });
  await settled();
  expect(s.open()).toBe(1);
  s.end({ success: false, error: "The user said access_denied" });
  const error = await rejection(login.wait());
  expect(error).toBeInstanceOf(LoginFailedError);
  expect(error).toMatchObject({ reason: "denied", loginId: null });
});

test("a failure that nobody waits for bothers nobody, and can be asked for later", async () => {
  await using s = await stage();
  const login = await s.mcp.login("docs");
  s.end({ loginId: "login-1", success: false });
  await settled();
  expect(s.open()).toBe(0);
  expect(await rejection(login.wait())).toMatchObject({ reason: "failed", serverMessage: null });
});

test("a login that is refused leaves no listener behind", async () => {
  await using s = await stage();
  s.server.handle(method, () => {
    throw new ResponseError(-32_600, "No MCP server named 'docs' found.");
  });
  expect(await rejection(s.mcp.login("docs"))).toMatchObject({ code: "INVALID_REQUEST" });
  expect(s.open()).toBe(0);
  expect(getEventListeners(s.client.signal, "abort")).toEqual([]);
});

test("a lost connection ends it, with an error for each who waits", async () => {
  await using s = await stage();
  const login = await s.mcp.login("docs");
  const waiting = [rejection(login.wait()), rejection(login.wait())];
  s.server.crash({ exitCode: 1 });
  const [first, second] = await Promise.all(waiting);
  expect(first).toBeInstanceOf(TransportClosedError);
  expect(second).toBeInstanceOf(TransportClosedError);
  expect(second).not.toBe(first);
  expect(s.open()).toBe(0);
});

test("bad waits are told", async () => {
  await using s = await stage();
  const login = await s.mcp.login("docs");
  expect(await rejection(login.wait({ timeoutMs: 0 }))).toMatchObject({ argument: "timeoutMs" });
  expect(await rejection(s.mcp.login(""))).toMatchObject({ argument: "name" });
});
