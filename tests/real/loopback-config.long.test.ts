import { expect, test } from "@jest/globals";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

import { configFor, startLoopbackModel } from "../../lib/testing/index.js";
import { configArgs, serverUnderTest, RawClient } from "../support/raw-client.js";
import { RawStage } from "../support/raw-stage.js";

test("nothing of the machine's logins and proxies reaches the server, and it asks nobody else", async () => {
  // Everything that the server sends beyond the loopback would come here.
  let contacts = 0;
  const proxy = createServer().on("connection", (socket) => {
    contacts++;
    socket.destroy();
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const proxyUrl = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`;
  const inherited = {
    HTTP_PROXY: proxyUrl,
    HTTPS_PROXY: proxyUrl,
    ALL_PROXY: proxyUrl,
    http_proxy: proxyUrl,
    https_proxy: proxyUrl,
    OPENAI_API_KEY: "sk-inherited",
    CODEX_API_KEY: "sk-inherited",
    CODEX_SQLITE_HOME: "/nonexistent",
  };

  await using model = await startLoopbackModel();
  const { env, config } = await configFor(model);
  const client = RawClient.start({
    command: serverUnderTest(),
    args: [...configArgs(config), "app-server"],
    env: { ...inherited, ...env },
  });
  try {
    await client.initialize();
    const { thread } = await client.request("thread/start", { cwd: env.HOME });
    const threadId = (thread as { id: string }).id;
    const input = [{ type: "text", text: "Hi" }];
    await client.request("turn/start", { threadId, input });
    const { params } = await client.waitFor(({ method }) => method === "turn/completed");
    expect(params?.turn).toMatchObject({ status: "completed" });
    expect(await client.request("account/read", {})).toMatchObject({
      account: null,
      requiresOpenaiAuth: false,
    });
  } finally {
    await client.close();
    proxy.close();
  }
  expect(JSON.stringify(model.requests.map(({ headers }) => headers))).not.toContain("inherited");
  expect(contacts).toBe(0);
});

test("the server uses the provider and the model that were asked for", async () => {
  await using stage = await RawStage.open({ overrides: { providerId: "mine", model: "my-model" } });
  const { thread } = await stage.client.request("thread/start", { cwd: stage.project });
  expect(thread).toMatchObject({ modelProvider: "mine", model: "my-model" });
  const turnId = await stage.startTurn((thread as { id: string }).id, "Hi");
  await stage.completed(turnId);
  expect(stage.model.requests[0]?.model).toBe("my-model");
});

test("a stored thread is found again by a new server on the same home", async () => {
  await using stage = await RawStage.open();
  const threadId = await stage.startThread();
  await stage.completed(await stage.startTurn(threadId, "Remember this"));
  await stage.restart();
  await stage.client.request("thread/resume", { threadId, excludeTurns: true });
  await stage.completed(await stage.startTurn(threadId, "Go on"));
  expect(JSON.stringify(stage.model.requests[1]?.input)).toContain("Remember this");
});
