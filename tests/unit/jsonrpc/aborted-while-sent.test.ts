import { expect, test } from "@jest/globals";
import { AppServerClient } from "../../../lib/client.js";
import { rejection } from "../../support/collect.js";
import { later, LinkedServer } from "../../support/linked-server.js";

/** A server and the signal of a request, which aborts while the stream takes the request. */
async function abortingStream(maxInFlight: number) {
  const server = new LinkedServer();
  server.handle("config/read", () => later);
  const controller = new AbortController();
  const reason = new Error("no longer wanted");
  const { output } = server.transport;
  const write = output.write.bind(output) as (...args: unknown[]) => boolean;
  output.write = (line: unknown, ...others: unknown[]): boolean => {
    if (String(line).includes("config/read")) controller.abort(reason);
    return write(line, ...others);
  };
  const client = await AppServerClient.attach(server.transport, { maxInFlight });
  return { server, client, signal: controller.signal, reason };
}

test("a request whose signal aborts while it is written rejects with the reason, and leaves its place", async () => {
  const { server, client, signal, reason } = await abortingStream(1);
  await using _client = client;
  expect(await rejection(client.request("config/read", {}, { signal }))).toBe(reason);
  await client.request("model/list", {});
  expect(server.paramsOf("config/read")).toHaveLength(1);
});

test("so does one that has waited for its place", async () => {
  const { server, client, signal, reason } = await abortingStream(1);
  await using _client = client;
  const first = client.request("account/read", {});
  const second = rejection(client.request("config/read", {}, { signal }));
  await first;
  expect(await second).toBe(reason);
  await client.request("model/list", {});
  expect(server.paramsOf("config/read")).toHaveLength(1);
});
