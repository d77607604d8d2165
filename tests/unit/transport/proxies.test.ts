import { afterEach, describe, expect, test } from "@jest/globals";
import { Agent as HttpAgent } from "node:http";
import { Agent } from "node:https";
import { AppServerClient, Codex, type ConnectOptions } from "../../../lib/index.js";
import { proxyAgentOfNode } from "../../../lib/transport/proxy-agent.js";
import { parseSocketAddress } from "../../../lib/transport/socket-address.js";
import { openSocketTransport } from "../../../lib/transport/socket-transport.js";
import { ConnectProxy } from "../../support/connect-proxy.js";
import { rejection } from "../../support/real.js";
import { startSocketServer } from "../../support/socket-server.js";
import { TlsFront } from "../../support/tls-front.js";
import { TunnelAgent } from "../../support/tunnel-agent.js";

/** A WebSocket server behind TLS, and a proxy. */
async function stage(refusal?: string) {
  const server = await startSocketServer();
  const front = await TlsFront.start({ port: Number(new URL(server.url).port), host: "127.0.0.1" });
  const proxy = await ConnectProxy.start(refusal);
  return {
    ...{ server, front, proxy },
    tls: { ca: front.certificate },
    [Symbol.asyncDispose]: async () => {
      await proxy[Symbol.asyncDispose]();
      await front[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe("with an agent", () => {
  test("wss:// goes through its proxy, and the certificate is still the server's", async () => {
    await using all = await stage();
    const agent = new TunnelAgent(all.proxy.port);
    const options = { agent, tls: all.tls, token: "the-token" };
    const transport = await openSocketTransport(all.front.url, options);
    expect(all.proxy.asked).toEqual([`localhost:${all.front.port}`]);
    expect(all.server.requests[0]?.headers.authorization).toBe("Bearer the-token");
    await transport.close();

    const unknown = await rejection(openSocketTransport(all.front.url, { agent }));
    expect(unknown.message).toContain("the certificate was not accepted (");
  });

  test("ws:// goes by it, too", async () => {
    await using server = await startSocketServer();
    let asked = 0;
    const agent = new (class extends HttpAgent {
      override createConnection(...args: Parameters<HttpAgent["createConnection"]>) {
        asked += 1;
        return super.createConnection(...args);
      }
    })();
    const transport = await openSocketTransport(server.url, { agent });
    expect(asked).toBe(1);
    await transport.close();
  });

  test.each([
    ["407 Proxy Authentication Required", false, "The proxy wants a user and a password"],
    [
      "403 Forbidden",
      false,
      "the proxy did not let the connection through (HTTP 403). Look at its rules",
    ],
    [
      "502 Bad Gateway",
      true,
      "the proxy did not let the connection through (HTTP 502). Look at its rules",
    ],
  ])("a proxy that answers %s is explained", async (refusal, retryable, message) => {
    await using all = await stage(refusal);
    const agent = new TunnelAgent(all.proxy.port);
    const error = await rejection(openSocketTransport(all.front.url, { agent, tls: all.tls }));
    expect(error).toMatchObject({ code: "CONNECT_FAILED", retryable });
    expect(error.message).toContain(message);
  });

  test("a proxy that is not there is not taken for a server that is not", async () => {
    const proxy = await ConnectProxy.start();
    const { port } = proxy;
    await proxy[Symbol.asyncDispose]();
    const agent = new TunnelAgent(port);
    const error = await rejection(openSocketTransport("wss://localhost:1", { agent }));
    expect(error).toMatchObject({ code: "CONNECT_FAILED", retryable: true });
    expect(error.message).toContain("its proxy may be what is not reached");
  });

  test.each([
    ["a string", "http://proxy:3128"],
    ["false", false],
    ["what has no addRequest, such as a dispatcher of undici", { dispatch: () => true }],
  ])("%s is refused", async (_, agent) => {
    const options = { agent } as unknown as ConnectOptions;
    const url = "wss://localhost:1";
    expect(() => new Codex({ url, ...options })).toThrow("agent must be an http.Agent");
    expect(await rejection(AppServerClient.connect(url, options))).toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: "agent",
    });
  });

  test("a unix socket is refused, to which no proxy leads", async () => {
    const agent = new Agent();
    expect(() => new Codex({ url: "unix:///run/x.sock", agent })).toThrow(
      "agent must not be given with unix",
    );
    const connecting = AppServerClient.connect("unix:///run/x.sock", { agent });
    expect(await rejection(connecting)).toMatchObject({ argument: "agent" });
  });
});

describe("without an agent", () => {
  const before = process.env["HTTPS_PROXY"];
  afterEach(() => {
    if (before === undefined) delete process.env["HTTPS_PROXY"];
    else process.env["HTTPS_PROXY"] = before;
  });

  test("HTTPS_PROXY does not count, and a server that is not reached says so", async () => {
    process.env["HTTPS_PROXY"] = "http://user:very-secret@127.0.0.1:1";
    await using all = await stage();
    const transport = await openSocketTransport(all.front.url, { tls: all.tls });
    await transport.close();
    const error = await rejection(openSocketTransport("wss://localhost:1"));
    expect(error.message).toContain(
      "HTTPS_PROXY is set, and does not count here: give the option agent.",
    );
    expect(error.message).not.toContain("secret");
    const plain = await rejection(openSocketTransport("ws://127.0.0.1:1"));
    expect(plain.message).not.toContain("HTTPS_PROXY");
  });

  test("wss:// goes by HTTPS_PROXY where Node.js itself does", () => {
    const proxyEnv = { HTTPS_PROXY: "http://127.0.0.1:1" };
    const address = parseSocketAddress("wss://codex.example.com");
    const agent = proxyAgentOfNode(address, { options: { proxyEnv } });
    expect(agent).toBeInstanceOf(Agent);
    expect((agent as Agent).options).toMatchObject({ proxyEnv });
    expect(proxyAgentOfNode(address, { options: {} })).toBeUndefined();
    expect(proxyAgentOfNode(address, {})).toBeUndefined();
    expect(
      proxyAgentOfNode(parseSocketAddress("ws://127.0.0.1:1"), { options: { proxyEnv } }),
    ).toBeUndefined();
  });
});
