import { expect, test } from "@jest/globals";
import { rejection, settled } from "../../../support/collect.js";
import { later, linked } from "../../../support/linked-server.js";

const list = (name: string) => ({ data: [{ cwd: "/repo", skills: [{ name }], errors: [] }] });

test("a watch lists once for all changes that came while the consumer was busy", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  let version = 1;
  server.handle("skills/list", () => list(`v${version}`));
  const lists = client.skills.watch({ cwds: ["/repo"] });
  expect((await lists.next()).value).toMatchObject([{ skills: [{ name: "v1" }] }]);

  version = 2;
  for (let change = 0; change < 3; change += 1) server.notify("skills/changed", {});
  await settled();
  expect((await lists.next()).value).toMatchObject([{ skills: [{ name: "v2" }] }]);
  expect(server.paramsOf("skills/list")).toEqual([{ cwds: ["/repo"] }, { cwds: ["/repo"] }]);
  await lists.return(undefined);
});

test("a change that comes while it lists makes it list again", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  server.handle("skills/list", () => later);
  const lists = client.skills.watch();
  const first = lists.next();
  const request = await server.nextRequest("skills/list");
  server.notify("skills/changed", {});
  server.respond(request, list("old"));
  expect((await first).value).toMatchObject([{ skills: [{ name: "old" }] }]);
  const second = lists.next();
  server.respond(await server.nextRequest("skills/list"), list("new"));
  expect((await second).value).toMatchObject([{ skills: [{ name: "new" }] }]);
  await lists.return(undefined);
});

test("a watch ends with its signal, while it lists and while it waits", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  const gone = new Error("gone");

  const waiting = new AbortController();
  server.handle("skills/list", () => list("one"));
  const idle = client.skills.watch({ signal: waiting.signal });
  await idle.next();
  const next = rejection(idle.next());
  await settled();
  waiting.abort(gone);
  expect(await next).toBe(gone);

  const listing = new AbortController();
  server.handle("skills/list", () => later);
  const busy = rejection(client.skills.watch({ signal: listing.signal }).next());
  await server.nextRequest("skills/list");
  await server.nextRequest("skills/list");
  listing.abort(gone);
  expect(await busy).toBe(gone);
});

test("a watch is over when the client is closed", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  server.handle("skills/list", () => list("one"));
  const lists = client.skills.watch();
  await lists.next();
  const next = lists.next();
  await client.close();
  expect(await next).toEqual({ done: true, value: undefined });
});

test("paths must be absolute for a server that does not share our files", async () => {
  await using pair = await linked();
  const { client, server } = pair;
  server.handle("skills/config/write", () => ({ effectiveEnabled: true }));
  const roots = client.skills.setExtraRoots(["/one", "two"]);
  expect(await rejection(roots)).toMatchObject({
    code: "INVALID_ARGUMENT",
    argument: "extraRoots[1]",
  });
  const relative = client.skills.setEnabled({ path: "skills/SKILL.md" }, true);
  expect(await rejection(relative)).toMatchObject({ argument: "path" });
  expect(server.requests).toHaveLength(1);

  await client.skills.setExtraRoots(["/one", "/two"]);
  expect(server.paramsOf("skills/extraRoots/set")).toEqual([{ extraRoots: ["/one", "/two"] }]);
  expect(await client.skills.setEnabled({ path: "/a/SKILL.md" }, true)).toBe(true);
});
