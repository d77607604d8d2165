import { randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { DirectoryRolloutStore, type RolloutManifest } from "../../../../lib/fleet/index.js";
import { collect, rejection } from "../../../support/collect.js";
import { makeTempDir, type TempDir } from "../../../support/temp-dir.js";

const threadId = randomUUID();
let directory: TempDir;

beforeEach(async () => {
  directory = await makeTempDir();
});
afterEach(() => directory.remove());

const open = () => new DirectoryRolloutStore({ directory: path.join(directory.path, "store") });
const of = (generation: number, files: RolloutManifest["files"] = []): RolloutManifest => ({
  threadId,
  generation,
  current: "",
  files,
});
const names = () => readdir(path.join(directory.path, "store", threadId)).catch(() => []);

async function* pieces(...texts: readonly string[]): AsyncGenerator<Uint8Array, void, undefined> {
  for (const text of texts) {
    await Promise.resolve();
    yield Buffer.from(text);
  }
}

test("has nothing of a thread that nobody has exported", async () => {
  expect(await open().head(threadId)).toBeUndefined();
});

test("gives back what another process has written", async () => {
  const name = randomUUID();
  await open().write(threadId, name, pieces("a", "b", "c"));
  const bytes = await collect(open().read(threadId, name));
  expect(Buffer.concat(bytes).toString()).toBe("abc");
  await open().remove(threadId, name);
  await open().remove(threadId, name);
  expect(await rejection(collect(open().read(threadId, name)))).toMatchObject({ code: "ENOENT" });
});

test("opens a file for whoever reads it, and for nobody else", async () => {
  const name = randomUUID();
  await open().write(threadId, name, pieces("abc"));
  const unread = open().read(threadId, name);
  await open().remove(threadId, name);
  expect(await rejection(collect(unread))).toMatchObject({ code: "ENOENT" });
});

test("what breaks off while it is written is not there", async () => {
  const name = randomUUID();
  const broken = (async function* () {
    yield* pieces("half");
    throw new Error("cut");
  })();
  await expect(open().write(threadId, name, broken)).rejects.toThrow("cut");
  expect(await names()).toEqual([]);
});

test("takes one generation after the other, and keeps the newest", async () => {
  const store = open();
  expect(await store.commit(of(2))).toBe(false);
  expect(await store.commit(of(1))).toBe(true);
  expect(await store.commit(of(1))).toBe(false);
  expect(await store.commit(of(3))).toBe(false);
  expect(await store.commit(of(2))).toBe(true);
  expect(await open().head(threadId)).toEqual(of(2));
  expect(await names()).toEqual(["manifest-2.json"]);
});

test("of many hosts that commit the same generation at once, one does", async () => {
  for (let generation = 1; generation <= 20; generation += 1) {
    const entries = Array.from({ length: 8 }, (_, host) => ({
      ...{ path: `host-${host}`, role: "thread", size: 0, sha256: "", name: randomUUID() },
    }));
    const all = entries.map((entry) => of(generation, [entry as RolloutManifest["files"][number]]));
    const committed = await Promise.all(all.map((manifest) => open().commit(manifest)));
    expect(committed.filter(Boolean)).toHaveLength(1);
    expect(await open().head(threadId)).toEqual(all[committed.indexOf(true)]);
  }
  expect(await names()).toEqual(["manifest-20.json"]);
});

test("an older generation that comes late takes nothing back", async () => {
  const store = open();
  await store.commit(of(1));
  await store.commit(of(2));
  await store.commit(of(3));
  expect(await store.commit(of(2))).toBe(false);
  expect(await store.head(threadId)).toEqual(of(3));
});

test("reads the newest while others commit", async () => {
  const store = open();
  await store.commit(of(1));
  const committing = (async () => {
    for (let generation = 2; generation <= 60; generation += 1) await store.commit(of(generation));
  })();
  let last = 0;
  while (last < 60) {
    const generation = (await open().head(threadId))?.generation ?? 0;
    expect(generation).toBeGreaterThanOrEqual(last);
    last = generation;
  }
  await committing;
});

test("leads nowhere else", async () => {
  await mkdir(path.join(directory.path, "store"));
  await writeFile(path.join(directory.path, "secret"), "secret");
  const store = open();
  const bad = { code: "INVALID_ARGUMENT" };
  expect(await rejection(store.head("../.."))).toMatchObject(bad);
  expect(await rejection(store.commit({ ...of(1), threadId: ".." }))).toMatchObject(bad);
  expect(await rejection(store.write(threadId, "../x", pieces("x")))).toMatchObject(bad);
  expect(await rejection(store.remove(threadId, "../../secret"))).toMatchObject(bad);
  expect(() => store.read(threadId, "../../secret")).toThrow(expect.objectContaining(bad));
  expect(await readFile(path.join(directory.path, "secret"), "utf8")).toBe("secret");
  for (const options of [undefined, {}, { directory: "" }, { directory: "x", path: "y" }]) {
    expect(() => new DirectoryRolloutStore(options as { directory: string })).toThrow(
      expect.objectContaining(bad),
    );
  }
});
