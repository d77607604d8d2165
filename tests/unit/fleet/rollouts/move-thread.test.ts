import { randomUUID } from "node:crypto";
import { appendFile, mkdir, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import * as zlib from "node:zlib";
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import {
  exportThread,
  importThread,
  releaseThread,
  type RolloutManifest,
  type RolloutStore,
} from "../../../../lib/fleet/index.js";
import type { AppServerClient } from "../../../../lib/index.js";
import { rejection, settled } from "../../../support/collect.js";
import { linked, ResponseError, type LinkedServer } from "../../../support/linked-server.js";
import { MemoryRolloutStore } from "../../../support/memory-rollout-store.js";
import { makeTempDir, type TempDir } from "../../../support/temp-dir.js";

const threadId = "01a231be-4762-7bc1-a8ac-a919a8497892";
const childId = "01a231be-5b54-77d1-919f-4c116e03e66e";
const sourceId = "01a231be-01ce-7f22-b622-2f59d1da55d6";
const folder = "sessions/2026/12/01";
const fileOf = (id: string) => `${folder}/rollout-2026-12-01T13-14-43-${id}.jsonl`;

/** The first line of a rollout. */
function head(id: string, more: object = {}): string {
  const payload = { id, session_id: id, ...more };
  return `${JSON.stringify({ type: "session_meta", payload })}\n`;
}
const line = (text: string) => `${JSON.stringify({ type: "event_msg", payload: { text } })}\n`;

/** A host: a home, and a server that says what lies there and what is loaded. */
class Host implements AsyncDisposable {
  readonly loaded = new Set<string>();
  readonly children: string[] = [];
  readonly home: string;
  readonly server: LinkedServer;
  readonly client: AppServerClient;
  readonly #dispose: () => PromiseLike<void>;
  readonly #directory: TempDir;

  static async open(): Promise<Host> {
    return new Host(await linked(), await makeTempDir());
  }

  private constructor(pair: Awaited<ReturnType<typeof linked>>, directory: TempDir) {
    this.client = pair.client;
    this.server = pair.server;
    this.home = directory.path;
    this.#directory = directory;
    this.#dispose = () => pair[Symbol.asyncDispose]();
    const { server } = this;
    server.handle("thread/loaded/list", () => ({ data: [...this.loaded], nextCursor: null }));
    server.handle("thread/read", async ({ threadId: id }) => {
      const found = await this.find(String(id));
      if (found === undefined) throw new ResponseError(-32_600, `thread not loaded: ${String(id)}`);
      // Where the server sees its home need not be where this process does.
      return { thread: { id, path: `/seen/by/server/${found}`, status: { type: "notLoaded" } } };
    });
    server.handle("thread/delete", async ({ threadId: id }) => {
      for (const gone of [String(id), ...this.children]) {
        for (let file = await this.find(gone); file !== undefined; file = await this.find(gone)) {
          await rm(this.at(file));
        }
      }
      return {};
    });
    server.handle("thread/list", async ({ archived }) => {
      const ids = archived === true ? [] : this.children;
      const data = await Promise.all(
        ids.map(async (id) => ({ id, path: `/seen/by/server/${(await this.find(id)) ?? ""}` })),
      );
      return { data, nextCursor: null };
    });
  }

  get options() {
    return { codexHome: this.home };
  }

  async find(id: string): Promise<string | undefined> {
    const all = await readdir(this.home, { recursive: true }).catch(() => []);
    return all
      .filter((name) => name.includes(`-${id}`) && !name.endsWith(".part"))
      .sort()
      .at(-1);
  }

  at(file: string): string {
    return path.join(this.home, file);
  }

  async write(file: string, content: string): Promise<void> {
    await mkdir(path.dirname(this.at(file)), { recursive: true });
    await writeFile(this.at(file), content);
  }

  read(file = fileOf(threadId)): Promise<string> {
    return readFile(this.at(file), "utf8");
  }

  async files(): Promise<string[]> {
    const all = await readdir(this.home, { recursive: true, withFileTypes: true });
    return all
      .filter((entry) => entry.isFile())
      .map(({ name }) => name)
      .sort();
  }

  export(store: MemoryRolloutStore) {
    return exportThread(this.client, threadId, store, this.options);
  }

  import(store: MemoryRolloutStore, atLeast?: number) {
    return importThread(this.client, threadId, store, { ...this.options, atLeast });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dispose();
    await this.#directory.remove();
  }
}

let a: Host;
let b: Host;
let store: MemoryRolloutStore;

beforeEach(async () => {
  a = await Host.open();
  b = await Host.open();
  store = new MemoryRolloutStore();
});
afterEach(async () => {
  await a[Symbol.asyncDispose]();
  await b[Symbol.asyncDispose]();
});

const first = head(threadId) + line("one");

/** The thread is on both hosts, and the store has what they have. */
async function shared(): Promise<void> {
  await a.write(fileOf(threadId), first);
  await a.export(store);
  await b.import(store);
}

const manifest = (): RolloutManifest => store.manifests.get(threadId) as RolloutManifest;
const change = (fields: object): void => {
  store.manifests.set(threadId, { ...manifest(), ...fields });
};
const notMoved = (reason: string) => ({ code: "THREAD_NOT_MOVED", reason });

describe("a thread goes", () => {
  test("to another host and back, each time with what was added", async () => {
    await a.write(fileOf(threadId), first);
    expect(await a.export(store)).toEqual({ generation: 1, changed: true });
    expect(await b.import(store)).toEqual({ generation: 1, changed: true });
    expect(await b.read()).toBe(first);
    await appendFile(b.at(fileOf(threadId)), line("two"));
    expect(await b.export(store)).toEqual({ generation: 2, changed: true });
    expect(store.files.size).toBe(1);
    expect(await a.import(store, 2)).toEqual({ generation: 2, changed: true });
    expect(await a.read()).toBe(first + line("two"));
    expect(await a.files()).toHaveLength(1);
  });

  test("nowhere when nothing has changed, or nothing was exported", async () => {
    expect(await a.import(store)).toEqual({ generation: 0, changed: false });
    await shared();
    const files = [...store.files.keys()];
    expect(await b.export(store)).toEqual({ generation: 1, changed: false });
    expect(await a.import(store)).toEqual({ generation: 1, changed: false });
    expect([...store.files.keys()]).toEqual(files);
  });

  test("with its sub-agents, also on from a server that does not know them", async () => {
    await a.write(fileOf(threadId), first);
    await a.write(fileOf(childId), head(childId) + line("child"));
    a.children.push(childId);
    await a.export(store);
    await b.import(store);
    await appendFile(b.at(fileOf(childId)), line("child again"));
    await b.export(store);
    expect(
      manifest()
        .files.map(({ role }) => role)
        .sort(),
    ).toEqual(["subagent", "thread"]);
    await a.import(store);
    expect(await a.read(fileOf(childId))).toContain("child again");
  });

  test("with the threads that it was forked from, which may have gone on where it goes", async () => {
    const source = head(sourceId) + line("history");
    await a.write(fileOf(threadId), head(threadId, { forked_from_id: sourceId }) + line("fork"));
    await a.write(fileOf(sourceId), source);
    a.loaded.add(sourceId);
    await a.export(store);
    await b.write(fileOf(sourceId), source + line("went on"));
    b.loaded.add(sourceId);
    await b.import(store);
    expect(await b.read(fileOf(sourceId))).toBe(source + line("went on"));
    expect(await b.read()).toContain("fork");
  });

  test("with the files that a revert has made, of which one that the store lacks is newer", async () => {
    await shared();
    const segment = fileOf(threadId).replace(".jsonl", `_${randomUUID()}.jsonl`);
    await a.write(segment, head(threadId) + line("instead"));
    expect(await rejection(a.import(store))).toMatchObject(notMoved("localIsNewer"));
    await a.export(store);
    expect(await rejection(b.export(store))).toMatchObject(notMoved("storeIsNewer"));
    // Its server would go on with the file that it knows.
    let known: string | undefined = fileOf(threadId);
    const found = b.find.bind(b);
    b.find = async (id) => (id === threadId && known !== undefined ? known : found(id));
    const forget = b.server.handler("thread/delete");
    b.server.handle("thread/delete", (...args) => {
      known = undefined;
      return forget(...args);
    });
    await b.import(store);
    expect(b.server.paramsOf("thread/delete")).toEqual([{ threadId }]);
    expect(await b.read(segment)).toContain("instead");
    expect(await b.read()).toBe(first);
  });

  test("and a server that goes on with another file all the same is told of", async () => {
    await shared();
    await appendFile(a.at(fileOf(threadId)), line("two"));
    await a.export(store);
    const segment = fileOf(threadId).replace(".jsonl", `_${randomUUID()}.jsonl`);
    let asked = 0;
    const found = b.find.bind(b);
    b.find = async (id) => ((asked += 1) > 2 ? segment : found(id));
    expect(await rejection(b.import(store))).toMatchObject(notMoved("notTaken"));
  });

  test("into the archive, and out of it", async () => {
    await shared();
    const archived = `archived_sessions/${path.basename(fileOf(threadId))}`;
    await a.write(archived, first);
    await rm(a.at(fileOf(threadId)));
    expect(await a.export(store)).toEqual({ generation: 2, changed: true });
    await b.import(store);
    expect(await b.find(threadId)).toBe(archived);
    expect(await b.files()).toHaveLength(1);
  });
});

describe("a thread stays where it is", () => {
  test("when its server has it loaded, or loads it meanwhile", async () => {
    await a.write(fileOf(threadId), first);
    a.loaded.add(threadId);
    expect(await rejection(a.export(store))).toMatchObject({ ...notMoved("loaded"), threadId });
    a.loaded.clear();
    store.onStep = (step) => {
      if (step === "write") a.loaded.add(threadId);
    };
    expect(await rejection(a.export(store))).toMatchObject(notMoved("loaded"));
    expect([store.manifests.size, store.files.size]).toEqual([0, 0]);
    store.onStep = () => undefined;
    a.loaded.clear();
    await a.export(store);
    b.loaded.add(threadId);
    expect(await rejection(b.import(store))).toMatchObject(notMoved("loaded"));
    b.loaded.clear();
    store.onStep = (step) => {
      if (step === "read") b.loaded.add(threadId);
    };
    expect(await rejection(b.import(store))).toMatchObject(notMoved("loaded"));
    expect(await b.files()).toEqual([]);
  });

  test("when both hosts have gone on with it: the second is told, and nothing is lost", async () => {
    await shared();
    await appendFile(a.at(fileOf(threadId)), line("here"));
    await appendFile(b.at(fileOf(threadId)), line("also here, and longer"));
    expect(await rejection(b.import(store))).toMatchObject(notMoved("localIsNewer"));
    await a.export(store);
    expect(await rejection(b.export(store))).toMatchObject(notMoved("diverged"));
    expect(await rejection(b.import(store))).toMatchObject(notMoved("diverged"));
    expect(await b.read()).toContain("also here");
    expect(manifest().generation).toBe(2);
  });

  test("the same when the local copy is the shorter one", async () => {
    await shared();
    await appendFile(a.at(fileOf(threadId)), line("here, and much longer than there"));
    await appendFile(b.at(fileOf(threadId)), line("there"));
    await a.export(store);
    expect(await rejection(b.export(store))).toMatchObject(notMoved("storeIsNewer"));
    expect(await rejection(b.import(store))).toMatchObject(notMoved("diverged"));
    expect(await b.read()).toContain("there");
    expect(await b.files()).toHaveLength(1);
  });

  test("when another host commits first", async () => {
    await shared();
    await appendFile(a.at(fileOf(threadId)), line("here"));
    const kept = manifest();
    store.onStep = (step) => {
      if (step === "commit") change({ generation: 2 });
    };
    expect(await rejection(a.export(store))).toMatchObject(notMoved("storeIsNewer"));
    expect(manifest().files).toEqual(kept.files);
    expect(store.files.size).toBe(1);
  });

  test("when the store shows an older generation than is known", async () => {
    await shared();
    expect(await rejection(b.import(store, 2))).toMatchObject(notMoved("storeIsOlder"));
  });

  test("when nobody has it", async () => {
    expect(await rejection(a.export(store))).toMatchObject(notMoved("notStored"));
  });
});

describe("what breaks off", () => {
  test("an export leaves the old one, and nothing beside it", async () => {
    await shared();
    const before = [manifest(), [...store.files.keys()]];
    await appendFile(a.at(fileOf(threadId)), line("two"));
    for (const at of ["write", "commit"] as const) {
      store.onStep = (step) => {
        if (step === at) throw new Error("the network is down");
      };
      await expect(a.export(store)).rejects.toThrow("the network is down");
      store.onStep = () => undefined;
      expect([manifest(), [...store.files.keys()]]).toEqual(before);
    }
    expect(await a.export(store)).toEqual({ generation: 2, changed: true });
  });

  test("an export whose commit was carried out though its answer was lost", async () => {
    await shared();
    await appendFile(a.at(fileOf(threadId)), line("two"));
    const commit = store.commit.bind(store);
    store.commit = async (one) => {
      await commit(one);
      throw new Error("the network is down");
    };
    await expect(a.export(store)).rejects.toThrow("the network is down");
    expect(await a.export(store)).toEqual({ generation: 2, changed: false });
    expect(await b.import(store)).toEqual({ generation: 2, changed: true });
  });

  test("an import leaves this host as it was, and is gone on with by the next", async () => {
    await a.write(fileOf(threadId), first);
    await a.write(fileOf(childId), head(childId) + line("child"));
    a.children.push(childId);
    await a.export(store);
    let reads = 0;
    store.onStep = (step) => {
      if (step === "read" && (reads += 1) === 2) throw new Error("the network is down");
    };
    await expect(b.import(store)).rejects.toThrow("the network is down");
    expect(await b.files()).toEqual([]);
    expect(await b.import(store)).toEqual({ generation: 1, changed: true });
    expect(await b.files()).toHaveLength(2);
  });

  test("an import begins anew when a newer one replaces what it reads", async () => {
    await shared();
    await appendFile(a.at(fileOf(threadId)), line("two"));
    await a.export(store);
    const old = manifest();
    await appendFile(a.at(fileOf(threadId)), line("three"));
    await a.export(store);
    const newest = manifest();
    store.manifests.set(threadId, old);
    store.onStep = (step) => {
      if (step === "read") store.manifests.set(threadId, newest);
    };
    expect(await b.import(store)).toEqual({ generation: 3, changed: true });
    expect(await b.read()).toContain("three");
  });
});

describe("what is not as the manifest says", () => {
  const nameOf = () => `${threadId}/${manifest().files[0]?.name ?? ""}`;

  test.each<[string, () => void, string]>([
    ["is cut", () => store.files.set(nameOf(), Buffer.from(first.slice(0, -9))), "damaged"],
    ["is longer", () => store.files.set(nameOf(), Buffer.from(first + line("x"))), "damaged"],
    [
      "was changed",
      () => store.files.set(nameOf(), Buffer.from(first.replace("one", "two"))),
      "damaged",
    ],
    [
      "is of another thread",
      () => {
        change({ threadId: childId });
      },
      "foreign",
    ],
    [
      "has no generation",
      () => {
        change({ generation: "1" });
      },
      "foreign",
    ],
    [
      "names no files",
      () => {
        change({ files: [] });
      },
      "foreign",
    ],
    [
      "names a file of another thread",
      () => {
        changePath(fileOf(childId));
      },
      "foreign",
    ],
    [
      "leads out of the home",
      () => {
        changePath(`sessions/../../${path.basename(fileOf(threadId))}`);
      },
      "foreign",
    ],
    [
      "leads to the configuration",
      () => {
        changePath("config.toml");
      },
      "foreign",
    ],
    [
      "is at an absolute path",
      () => {
        changePath(`/tmp/${path.basename(fileOf(threadId))}`);
      },
      "foreign",
    ],
    [
      "has a name that is a path",
      () => {
        changeEntry({ name: "../../../etc/passwd-and-so-on-0000000" });
      },
      "foreign",
    ],
  ])("is refused, and nothing is written: it %s", async (_, spoil, reason) => {
    await a.write(fileOf(threadId), first);
    await a.export(store);
    spoil();
    expect(await rejection(b.import(store))).toMatchObject(notMoved(reason));
    expect(await b.files()).toEqual([]);
  });

  test("is refused also when its content is another thread's", async () => {
    await a.write(fileOf(threadId), head(childId) + line("of another"));
    await a.export(store);
    expect(await rejection(b.import(store))).toMatchObject(notMoved("foreign"));
    expect(await b.files()).toEqual([]);
  });

  function changeEntry(fields: object): void {
    change({ files: manifest().files.map((entry) => ({ ...entry, ...fields })) });
  }
  function changePath(to: string): void {
    changeEntry({ path: to });
  }
});

test("a compressed file counts as what is in it, where Node.js reads it, and is refused elsewhere", async () => {
  await a.write(fileOf(threadId), first);
  const { zstdCompressSync } = zlib as unknown as { zstdCompressSync?: (data: string) => Buffer };
  await writeFile(a.at(`${fileOf(threadId)}.zst`), zstdCompressSync?.(first) ?? "compressed");
  await rm(a.at(fileOf(threadId)));
  if (!zstdCompressSync) {
    expect(await rejection(a.export(store))).toMatchObject(notMoved("compressed"));
    return;
  }
  await a.export(store);
  await b.import(store);
  expect(await b.read()).toBe(first);
  await appendFile(b.at(fileOf(threadId)), line("two"));
  await b.export(store);
  await a.import(store);
  expect(await a.files()).toEqual([path.basename(fileOf(threadId))]);
});

test("what is no rollout of the thread is left alone", async () => {
  await a.write(fileOf(threadId), first);
  await a.write(`${folder}/notes-${threadId}.txt`, "mine");
  await symlink("/etc/passwd", a.at(`${folder}/rollout-other.jsonl`));
  await a.export(store);
  expect(manifest().files).toMatchObject([{ path: fileOf(threadId), role: "thread" }]);
});

describe("releaseThread()", () => {
  test("lets go of the thread and its sub-agents, and waits until the server has unloaded them", async () => {
    await a.write(fileOf(threadId), first);
    await a.write(fileOf(childId), head(childId));
    a.children.push(childId);
    a.loaded.add(threadId).add(childId).add(sourceId);
    const released = releaseThread(a.client, threadId);
    let isOver = false;
    void released.then(() => (isOver = true));
    await a.server.nextRequest("thread/unsubscribe");
    await a.server.nextRequest("thread/unsubscribe");
    await settled();
    expect(isOver).toBe(false);
    for (const id of [threadId, childId]) {
      a.loaded.delete(id);
      a.server.notify("thread/closed", { threadId: id });
    }
    await released;
    const asked = a.server.paramsOf("thread/unsubscribe").map(({ threadId: id }) => id);
    expect(asked.sort()).toEqual([threadId, childId].sort());
  });

  test("gives up when somebody else uses it", async () => {
    a.loaded.add(threadId);
    const released = releaseThread(a.client, threadId, { timeoutMs: 1 });
    expect(await rejection(released)).toMatchObject(notMoved("loaded"));
  });
});

describe("bad input", () => {
  test.each([
    "../../etc/passwd",
    "thread-1",
    "",
    `${threadId}/..`,
    threadId.toUpperCase(),
    undefined,
    7,
  ])("is refused before anything is asked: thread id %j", async (id) => {
    for (const move of [exportThread, importThread]) {
      const moved = move(a.client, id as string, store, a.options);
      expect(await rejection(moved)).toMatchObject({
        code: "INVALID_ARGUMENT",
        argument: "threadId",
      });
    }
    const released = releaseThread(a.client, id as string);
    expect(await rejection(released)).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(a.server.paramsOf("thread/read")).toEqual([]);
  });

  test("so are a store and options that cannot work", async () => {
    const bad = (argument: string) => ({ code: "INVALID_ARGUMENT", argument });
    const noStore = exportThread(a.client, threadId, {} as RolloutStore);
    expect(await rejection(noStore)).toMatchObject(bad("store.head"));
    const options = { atLeast: -1 };
    expect(await rejection(importThread(a.client, threadId, store, options))).toMatchObject(
      bad("atLeast"),
    );
    const home = exportThread(a.client, threadId, store, { codexHome: "" });
    expect(await rejection(home)).toMatchObject(bad("codexHome"));
    const wait = releaseThread(a.client, threadId, { timeoutMs: 0 });
    expect(await rejection(wait)).toMatchObject(bad("timeoutMs"));
  });
});
