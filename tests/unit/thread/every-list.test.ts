import { expect, test } from "@jest/globals";
import { readFileSync } from "node:fs";
import type { AppServerClient, Pages, Thread } from "../../../lib/index.js";
import { sourceFiles } from "../../support/source-imports.js";
import { linkedThread } from "../../support/linked-server.js";

type List = (client: AppServerClient, thread: Thread) => Pages<unknown>;

/** Every list that there is, and the method behind it. */
const lists: readonly [string, List][] = [
  ["app/list", (client) => client.apps.list()],
  ["experimentalFeature/list", (client) => client.features.list()],
  ["mcpServerStatus/list", (client) => client.mcp.servers()],
  ["model/list", (client) => client.models()],
  ["permissionProfile/list", (client) => client.permissionProfiles()],
  ["plugin/search", (client) => client.plugins.search("x")],
  ["thread/attachment/list", (_, thread) => thread.attachments.list()],
  [
    "thread/attachmentOwner/list",
    (client) => client.attachmentOwners({ attachmentType: "k", identityKey: "i" }),
  ],
  ["thread/backgroundTerminals/list", (_, thread) => thread.terminals.list()],
  ["thread/items/list", (_, thread) => thread.items()],
  ["thread/list", (client) => client.listThreads()],
  ["thread/loaded/list", (client) => client.loadedThreads()],
  ["thread/queue/list", (_, thread) => thread.queue.list()],
  ["thread/realtime/list", (_, thread) => thread.realtimeItems()],
  ["thread/search", (client) => client.searchThreads("x")],
  ["thread/searchOccurrences", (_, thread) => thread.searchOccurrences("x")],
  ["threadSection/list", (client) => client.sections.list()],
  ["thread/turns/list", (_, thread) => thread.turns()],
];

test("these are all of them", () => {
  const sources = sourceFiles("lib").map((file) => readFileSync(file, "utf8"));
  const declared = sources.flatMap((text) => text.match(/\): Pages</g) ?? []);
  // Behind the lists of histories and all the others there are functions that give one, too.
  expect(declared).toHaveLength(lists.length + 2);
});

const round: Record<string, { data: unknown[]; nextCursor: string }> = {
  first: { data: [{ id: "1" }], nextCursor: "a" },
  a: { data: [{ id: "2" }], nextCursor: "b" },
  b: { data: [{ id: "3" }], nextCursor: "a" },
};
const all = [{ id: "1" }, { id: "2" }, { id: "3" }];

test.each(lists)(
  "%s: awaiting gives the first page, and cursors that go round end",
  async (method, list) => {
    await using pair = await linkedThread();
    const { server, client, thread } = pair;
    server.handle(method, ({ cursor }) => round[(cursor as string | null | undefined) ?? "first"]);
    const before = server.paramsOf(method).length;
    const first = await list(client, thread);
    expect(first.data).toEqual([{ id: "1" }]);
    expect(first.nextCursor).toBe("a");
    const walked: unknown[] = [];
    for await (const entry of first) walked.push(entry);
    expect(walked).toEqual(all);
    expect(await list(client, thread).all()).toEqual(all);
    const cursors = server
      .paramsOf(method)
      .slice(before)
      .map(({ cursor }) => cursor ?? undefined);
    expect(cursors).toEqual([undefined, "a", "b", undefined, "a", "b"]);
  },
);

const given = { limit: 1, cursor: "a" };

test.each<[string, List]>([
  ["app/list", (client) => client.apps.list(given)],
  ["thread/search", (client) => client.searchThreads("x", given)],
  ["thread/turns/list", (_, thread) => thread.turns(given)],
])("%s: begins at a cursor that stands among the options", async (method, list) => {
  await using pair = await linkedThread();
  const { server, client, thread } = pair;
  server.handle(method, ({ cursor }) => round[(cursor as string | undefined) ?? "first"]);
  const page = await list(client, thread);
  expect(page.data).toEqual([{ id: "2" }]);
  expect((await page.getNextPage()).data).toEqual([{ id: "3" }]);
});
