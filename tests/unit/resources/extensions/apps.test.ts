import { expect, test } from "@jest/globals";
import { settled } from "../../../support/collect.js";
import { linked } from "../../../support/linked-server.js";

test("apps are listed page by page", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  server.handle("app/list", ({ cursor }) =>
    cursor === undefined
      ? { data: [{ id: "mail" }], nextCursor: "1" }
      : { data: [{ id: "calendar" }], nextCursor: null },
  );
  const apps = await client.apps.list({ limit: 1, forceRefetch: true }).all();
  expect(apps.map(({ id }) => id)).toEqual(["mail", "calendar"]);
  expect(server.paramsOf("app/list")).toEqual([
    { limit: 1, forceRefetch: true },
    { limit: 1, forceRefetch: true, cursor: "1" },
  ]);
});

test("those that are connected, and what is known of some, are asked for with their thread", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  const { id: threadId } = await client.startThread();
  const mail = { id: "mail", runtimeName: "mail", enabled: true, callable: true };
  server.handle("app/installed", () => ({ apps: [mail] }));
  server.handle("app/read", () => ({ apps: [], missingAppIds: ["mail"] }));
  expect(await client.apps.installed({ threadId, forceRefresh: true })).toEqual([mail]);
  const read = await client.apps.read(["mail"], { threadId, includeTools: true });
  expect(read.missingAppIds).toEqual(["mail"]);
  expect(server.paramsOf("app/installed")).toEqual([{ threadId, forceRefresh: true }]);
  expect(server.paramsOf("app/read")).toEqual([{ appIds: ["mail"], threadId, includeTools: true }]);
});

test("changes of the list come as whole lists", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  const lists = client.apps.updates();
  await settled();
  server.notify("app/list/updated", { data: [{ id: "mail" }] });
  server.notify("app/list/updated", { data: [] });
  expect(await lists.next()).toEqual({ done: false, value: [{ id: "mail" }] });
  expect(await lists.next()).toEqual({ done: false, value: [] });
  await lists.return?.();
});
