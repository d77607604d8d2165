import { expect, test } from "@jest/globals";
import type { ServerNotificationMethod } from "../../../../lib/index.js";
import { collect } from "../../../support/collect.js";
import { linked } from "../../../support/linked-server.js";
import { sampleOf } from "../../../support/sample-value.js";
import {
  methodIndex,
  validateClientRequest,
  validateNotification,
} from "../../../support/schemas.js";

type RpcFunction = (params: unknown) => Promise<unknown>;

const sampleParams = ({ params }: { params: string | null }) =>
  params === null ? undefined : sampleOf(params);

test("every client request crosses the wire with its own name and its params", async () => {
  await using pair = await linked();
  const methods = Object.entries(methodIndex.clientRequests);
  const before = pair.server.requests.length;
  for (const [method, entry] of methods) {
    const params = sampleParams(entry);
    expect(validateClientRequest(method, params)).toEqual([]);
    const at = (node: object, name: string) => (node as Record<string, object>)[name] as object;
    await (method.split("/").reduce(at, pair.client.rpc) as RpcFunction)(params);
  }
  const sent = pair.server.requests.slice(before).map(({ method, params }) => [method, params]);
  // The client may ask something of its own in between.
  for (const [method, entry] of methods) {
    expect(sent).toContainEqual([method, sampleParams(entry) ?? {}]);
  }
});

test("every notification, with as little in it as can be, reaches listeners and iterations in order", async () => {
  await using pair = await linked();
  const messages = Object.entries(methodIndex.serverNotifications).map(([method, entry]) => ({
    method: method as ServerNotificationMethod,
    params: sampleParams(entry) ?? {},
  }));
  for (const { method, params } of messages) {
    expect(validateNotification(method, params)).toEqual([]);
  }
  const heard: unknown[] = [];
  for (const { method } of messages) {
    pair.client.on(method, (notification) => heard.push(notification.method));
  }
  const iterated = collect(pair.client.notifications());
  pair.server.sendTogether(messages);
  // The answer comes behind all that was sent before it.
  await pair.client.request("account/read");
  await pair.client.close();
  const methods = messages.map(({ method }) => method);
  expect(heard).toEqual(methods);
  expect((await iterated).map(({ method }) => method)).toEqual(methods);
});
