import { describe, expect, test } from "@jest/globals";
import { TransportClosedError } from "../../../../lib/errors/connection-errors.js";
import { HandleClosedError } from "../../../../lib/errors/machine-errors.js";
import type { GetSession } from "../../../../lib/session/session.js";
import { Watch } from "../../../../lib/resources/machine/watch.js";
import { collect, rejection, settled } from "../../../support/collect.js";
import { later, linked, ResponseError, type LinkedServer } from "../../../support/linked-server.js";
import { abortListeners, countListeners } from "./commands.js";

function changed(server: LinkedServer, ...changedPaths: string[]): void {
  const watchId = server.paramsOf("fs/watch").at(-1)?.["watchId"];
  server.notify("fs/changed", { watchId, changedPaths });
}

async function watching(options = {}) {
  const pair = await linked();
  const counts = countListeners(pair.client);
  const watch = pair.client.watch("/dir", options);
  await watch.ready;
  const unwatched = () => pair.server.paramsOf("fs/unwatch").length;
  return { ...pair, counts, watch, unwatched };
}

describe("a watch", () => {
  test("is asked for at once, and yields what changes", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const watch = client.watch("/dir");
    const { params } = await server.nextRequest("fs/watch");
    expect(params).toMatchObject({ path: "/dir" });
    const first = watch.next();
    changed(server, "/dir/a", "/dir/b");
    expect(await first).toEqual({ value: { changedPaths: ["/dir/a", "/dir/b"] }, done: false });
  });

  test("merges what is not read, each path once, and nothing is lost", async () => {
    await using pair = await watching();
    const { server, watch } = pair;
    changed(server, "/dir/a", "/dir/b");
    changed(server, "/dir/b", "/dir/c");
    changed(server, "/dir/a");
    await settled();
    expect((await watch.next()).value).toEqual({ changedPaths: ["/dir/a", "/dir/b", "/dir/c"] });
    changed(server, "/dir/d");
    expect((await watch.next()).value).toEqual({ changedPaths: ["/dir/d"] });
  });

  test("takes no longer for each change the more of them wait", async () => {
    await using pair = await watching();
    const { client, server, watch } = pair;
    const paths = Array.from({ length: 50_000 }, (_, index) => `/dir/${index}`);
    for (let at = 0; at < paths.length; at += 5) {
      changed(server, ...paths.slice(at, at + 5), "/dir/always");
    }
    // The answer comes behind them. If all were copied for each, the test would run out of time.
    await client.request("config/read", {});
    const { value } = await watch.next();
    expect(value?.changedPaths).toHaveLength(50_001);
    expect(new Set(value?.changedPaths)).toEqual(new Set([...paths, "/dir/always"]));
  });

  test("ends when too much waits to be read, and says so", async () => {
    await using pair = await watching();
    const { counts, server, unwatched, watch } = pair;
    const long = "x".repeat(1_048_576);
    for (let count = 0; count < 20; count += 1) changed(server, "/dir/a", `/dir/${long}${count}`);
    await server.nextRequest("fs/unwatch");
    expect(await rejection(watch.next())).toMatchObject({ code: "SLOW_CONSUMER" });
    expect(await watch.next()).toEqual({ value: undefined, done: true });
    expect(counts.get("fs/changed")).toBe(0);
    await watch.close();
    expect(unwatched()).toBe(1);
  });

  test("hears of its own changes only", async () => {
    await using pair = await watching();
    const { client, server, watch } = pair;
    const other = client.watch("/other");
    await other.ready;
    changed(server, "/other/a");
    await watch.close();
    expect(await collect(watch)).toEqual([]);
    expect((await other.next()).value).toEqual({ changedPaths: ["/other/a"] });
  });

  test("needs a path, absolute for a server that does not share our files", async () => {
    await using pair = await linked();
    const refused = expect.objectContaining({ code: "INVALID_ARGUMENT", argument: "path" });
    for (const path of ["", undefined as never]) {
      expect(() => pair.client.watch(path)).toThrow(refused);
    }
    for (const path of ["dir", "./dir", "C:dir", "C:\\dir"]) {
      await expect(pair.client.watch(path).ready).rejects.toEqual(refused);
    }
    expect(pair.server.paramsOf("fs/watch")).toEqual([]);
    await pair.client.watch("/dir").ready;
    expect(() => pair.client.watch("/dir", { signal: 7 as never })).toThrow(
      expect.objectContaining({ argument: "signal" }),
    );
  });
});

describe("the end of a watch", () => {
  test("comes when its loop is left, and the loop waits for it", async () => {
    await using pair = await watching();
    const { counts, server, unwatched, watch } = pair;
    let answered = false;
    server.handle("fs/unwatch", async () => {
      await settled();
      answered = true;
      return {};
    });
    changed(server, "/dir/a");
    for await (const { changedPaths } of watch) {
      expect(changedPaths).toEqual(["/dir/a"]);
      break;
    }
    expect(answered).toBe(true);
    expect(unwatched()).toBe(1);
    expect(server.paramsOf("fs/unwatch")).toEqual([
      { watchId: server.paramsOf("fs/watch")[0]?.["watchId"] },
    ]);
    expect(counts.get("fs/changed")).toBe(0);
  });

  test("comes once, whoever closes it and how often", async () => {
    await using pair = await watching();
    const { unwatched, watch } = pair;
    const waiting = watch.next();
    await Promise.all([watch.close(), watch.close(), watch.return(), watch[Symbol.asyncDispose]()]);
    expect(await waiting).toEqual({ value: undefined, done: true });
    expect(unwatched()).toBe(1);
  });

  test("comes with the signal, whose reason is thrown, after what came before", async () => {
    const abort = new AbortController();
    await using pair = await watching({ signal: abort.signal });
    const { counts, server, unwatched, watch } = pair;
    changed(server, "/dir/a");
    await settled();
    const reason = new Error("enough");
    abort.abort(reason);
    expect((await watch.next()).value).toEqual({ changedPaths: ["/dir/a"] });
    expect(await rejection(watch.next())).toBe(reason);
    expect(await watch.next()).toEqual({ value: undefined, done: true });
    await server.nextRequest("fs/unwatch");
    expect(unwatched()).toBe(1);
    expect(counts.get("fs/changed")).toBe(0);
    expect(abortListeners(abort.signal)).toBe(0);
  });

  test("comes with the loss of the connection, which is thrown; a close is a natural end", async () => {
    const lost = await watching();
    const next = rejection(lost.watch.next());
    lost.server.crash({ exitCode: 1 });
    expect(await next).toBeInstanceOf(TransportClosedError);
    expect(lost.unwatched()).toBe(0);

    const closed = await watching();
    const end = closed.watch.next();
    await closed.client.close();
    expect(await end).toEqual({ value: undefined, done: true });
  });

  test("while it is being begun waits until it can be ended", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    server.handle("fs/watch", () => later);
    const watch = client.watch("/dir");
    const request = await server.nextRequest("fs/watch");
    const closed = watch.close();
    expect(await rejection(watch.ready)).toBeInstanceOf(HandleClosedError);
    await settled();
    expect(server.paramsOf("fs/unwatch")).toEqual([]);
    server.respond(request, { path: "/dir" });
    await closed;
    expect(server.paramsOf("fs/unwatch")).toHaveLength(1);
  });

  test("before there is a connection means that nothing is sent", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    let connected!: () => void;
    const getSession: GetSession = async () => {
      await new Promise<void>((resolve) => {
        connected = resolve;
      });
      return client.session;
    };
    const watch = new Watch(getSession, "/dir");
    await watch.close();
    connected();
    await settled();
    expect(server.paramsOf("fs/watch")).toEqual([]);
    const aborted = new Watch(getSession, "/dir", { signal: AbortSignal.abort("enough") });
    expect(await rejection(aborted.next())).toBe("enough");
    expect(await rejection(aborted.ready)).toBe("enough");
  });

  test("is a refusal of the server, which is thrown, and then nothing is to be ended", async () => {
    await using pair = await linked();
    const { client, server } = pair;
    const counts = countListeners(client);
    server.handle("fs/watch", () => {
      throw new ResponseError(-32_603, "Permission denied (os error 13)");
    });
    const watch = client.watch("/dir");
    const next = rejection(watch.next());
    expect(await rejection(watch.ready)).toMatchObject({ errno: "EACCES" });
    expect(await next).toMatchObject({ errno: "EACCES" });
    await watch.close();
    expect(server.paramsOf("fs/unwatch")).toEqual([]);
    expect(counts.get("fs/changed")).toBe(0);
  });
});
