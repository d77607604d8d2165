import { expect, test } from "@jest/globals";
import { AppServerClient } from "../../lib/index.js";
import { ConnectProxy } from "../support/connect-proxy.js";
import { ListeningServer } from "../support/listening-server.js";
import { RealStage } from "../support/real.js";
import { TlsFront } from "../support/tls-front.js";
import { TunnelAgent } from "../support/tunnel-agent.js";

test("a turn runs through a proxy and TLS, and the connection is made anew that way", async () => {
  await using stage = await RealStage.open();
  await using server = await ListeningServer.start(stage);
  await using front = await TlsFront.start(server.target);
  await using proxy = await ConnectProxy.start();
  const way = `localhost:${front.port}`;
  await using client = await AppServerClient.connect(front.url, {
    agent: new TunnelAgent(proxy.port),
    tls: { ca: front.certificate },
    reconnect: { minDelayMs: 1 },
  });
  expect(proxy.asked).toEqual([way]);
  const thread = await client.startThread();
  expect(await thread.run("Hi")).toMatchObject({ status: "completed" });

  const statuses: string[] = [];
  const restored = new Promise<void>((resolve) => {
    client.onConnectionStatus(({ state }) => {
      statuses.push(state);
      if (state === "ready") resolve();
    });
  });
  proxy.cut();
  await restored;
  expect(statuses.at(-1)).toBe("ready");
  expect(proxy.asked).toEqual([way, way]);
  expect(await thread.run("Again")).toMatchObject({ status: "completed" });
});
