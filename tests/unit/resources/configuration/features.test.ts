import { expect, test } from "@jest/globals";
import { rejection } from "../../../support/collect.js";
import { linked } from "../../../support/linked-server.js";

test("the features of a thread are listed once it is loaded", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  const page = { data: [{ name: "memories", enabled: true }], nextCursor: null };
  server.handle("experimentalFeature/list", () => page);
  expect(await client.features.list({ threadId: "thread-8" }).all()).toEqual(page.data);
  const sent = server.requests.map(({ method }) => method);
  const resumed = sent.indexOf("thread/resume");
  expect(resumed).toBeGreaterThan(0);
  expect(sent.indexOf("experimentalFeature/list")).toBeGreaterThan(resumed);
});

test("what the list shows counts, on every page of it, not what the server agrees to", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  server.handle("experimentalFeature/enablement/set", (params) => params);
  server.handle("experimentalFeature/list", ({ cursor }) =>
    cursor === undefined
      ? { data: [{ name: "first", enabled: true }], nextCursor: "1" }
      : { data: [{ name: "second", enabled: true }], nextCursor: null },
  );
  await client.features.set({ first: true, second: true });
  expect(await rejection(client.features.set({ first: true, second: false }))).toMatchObject({
    code: "FEATURE_NOT_CHANGED",
    features: ["second"],
  });
  expect(server.paramsOf("experimentalFeature/enablement/set")).toEqual([
    { enablement: { first: true, second: true } },
    { enablement: { first: true, second: false } },
  ]);
});

test("a feature is on or off, and nothing else", async () => {
  await using pair = await linked();
  const set = pair.client.features.set({ first: "yes" as never });
  expect(await rejection(set)).toMatchObject({
    code: "INVALID_ARGUMENT",
    argument: "enablement.first",
  });
  expect(pair.server.requests).toHaveLength(1);
});
