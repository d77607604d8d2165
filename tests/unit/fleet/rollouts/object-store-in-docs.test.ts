import { randomUUID } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { transform } from "esbuild";
import type { RolloutManifest, RolloutStore } from "../../../../lib/fleet/index.js";
import { readSnippets } from "../../../../scripts/check-package/snippets.js";
import { collect } from "../../../support/collect.js";
import { makeTempDir, type TempDir } from "../../../support/temp-dir.js";

/** Objects in memory, with the conditions that the documented store needs. */
class MemoryBucket {
  readonly objects = new Map<string, { readonly body: Buffer; readonly etag: string }>();

  async get(key: string) {
    await Promise.resolve();
    const object = this.objects.get(key);
    return object && { body: pieces(object.body), etag: object.etag };
  }

  async put(
    key: string,
    body: AsyncIterable<Uint8Array>,
    { size, only }: { size: number; only?: string | null },
  ): Promise<boolean> {
    const bytes = Buffer.concat(await collect(body));
    expect(bytes.length).toBe(size);
    if (only !== undefined && (this.objects.get(key)?.etag ?? null) !== only) return false;
    this.objects.set(key, { body: bytes, etag: randomUUID() });
    return true;
  }

  delete(key: string): Promise<void> {
    this.objects.delete(key);
    return Promise.resolve();
  }
}

async function* pieces(body: Buffer): AsyncGenerator<Uint8Array, void, undefined> {
  await Promise.resolve();
  yield body.subarray(0, 2);
  yield body.subarray(2);
}

let directory: TempDir;
let open: (bucket: MemoryBucket) => RolloutStore;

beforeAll(async () => {
  directory = await makeTempDir();
  const snippets = readSnippets(await readFile("docs/fleet-rollouts.md", "utf8"));
  const code = snippets.find((snippet) => snippet.includes("class ObjectRolloutStore")) ?? "";
  const shown = code.replace(
    "console.log(ObjectRolloutStore.name);",
    "export { ObjectRolloutStore };",
  );
  const file = path.join(directory.path, "store.mjs");
  await writeFile(file, (await transform(shown, { loader: "ts", target: "node20" })).code);
  const module = (await import(pathToFileURL(file).href)) as {
    ObjectRolloutStore: new (bucket: MemoryBucket) => RolloutStore;
  };
  open = (bucket) => new module.ObjectRolloutStore(bucket);
});
afterAll(() => directory.remove());

const threadId = randomUUID();
const of = (generation: number, current = ""): RolloutManifest => {
  return { threadId, generation, current, files: [] };
};

test("the store in the documentation keeps files and manifests", async () => {
  const bucket = new MemoryBucket();
  const name = randomUUID();
  await open(bucket).write(threadId, name, pieces(Buffer.from("a rollout")), 9);
  expect(Buffer.concat(await collect(open(bucket).read(threadId, name))).toString()).toBe(
    "a rollout",
  );
  await open(bucket).remove(threadId, name);
  await expect(collect(open(bucket).read(threadId, name))).rejects.toThrow("gone");
  expect(await open(bucket).head(threadId)).toBeUndefined();
  expect(await open(bucket).commit(of(2))).toBe(false);
  expect(await open(bucket).commit(of(1))).toBe(true);
  expect(await open(bucket).head(threadId)).toEqual(of(1));
});

test("of many hosts that commit to it at once, one does", async () => {
  const bucket = new MemoryBucket();
  for (let generation = 1; generation <= 5; generation += 1) {
    const all = Array.from({ length: 8 }, (_, host) => of(generation, `host-${host}`));
    const committed = await Promise.all(all.map((manifest) => open(bucket).commit(manifest)));
    expect(committed.filter(Boolean)).toHaveLength(1);
    expect(await open(bucket).head(threadId)).toEqual(all[committed.indexOf(true)]);
  }
});
