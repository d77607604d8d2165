import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { getEventListeners } from "node:events";
import { appendFile, mkdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  TransportClosedError,
  type AppServerClient,
  type Watch,
  type WatchEvent,
} from "../../lib/index.js";
import { collect } from "../support/collect.js";
import { next, RealStage, rejection } from "../support/real.js";
import { makeTempDir, type TempDir } from "../support/temp-dir.js";

let stage: RealStage;
let client: AppServerClient;
let directory: TempDir;

beforeAll(async () => {
  stage = await RealStage.open();
  client = await stage.client();
  directory = await makeTempDir();
});
afterAll(async () => {
  await directory.remove();
  await stage.close();
});

let count = 0;

/** An empty directory of its own, since events may still be under way for the one before. */
async function emptyDirectory(): Promise<string> {
  const made = path.join(directory.path, `dir-${(count += 1)}`);
  await mkdir(made);
  return made;
}

async function nextPaths(watch: Watch): Promise<readonly string[]> {
  const step: IteratorResult<WatchEvent, undefined> = await watch.next();
  if (step.done) throw new Error("the watch is over");
  return step.value.changedPaths;
}

/** Reads until the path was named; events may come in pieces. */
async function until(watch: Watch, wanted: string): Promise<void> {
  while (!(await nextPaths(watch)).includes(wanted));
}

test("a directory: what is created, changed, renamed and removed in it", async () => {
  const watched = await emptyDirectory();
  await using watch = client.watch(watched);
  await watch.ready;
  const file = path.join(watched, "file");
  await writeFile(file, "1");
  expect(await nextPaths(watch)).toEqual([file]);
  await appendFile(file, "2");
  expect(await nextPaths(watch)).toEqual([file]);
  const renamed = path.join(watched, "renamed");
  await rename(file, renamed);
  await until(watch, renamed);
  await rm(renamed);
  await until(watch, renamed);
});

test("a directory: what lies deeper is not reported", async () => {
  const watched = await emptyDirectory();
  const sub = path.join(watched, "sub");
  await mkdir(sub);
  await using watch = client.watch(watched);
  await watch.ready;
  await writeFile(path.join(sub, "deep"), "1");
  await writeFile(path.join(watched, "last"), "1");
  const seen: string[] = [];
  while (!seen.includes(path.join(watched, "last"))) seen.push(...(await nextPaths(watch)));
  expect(seen).not.toContain(path.join(sub, "deep"));
});

test("a file, also one that does not exist yet, and one that comes back", async () => {
  const file = path.join(await emptyDirectory(), "later");
  await using watch = client.watch(file);
  await watch.ready;
  await writeFile(file, "1");
  expect(await nextPaths(watch)).toEqual([file]);
  await rm(file);
  expect(await nextPaths(watch)).toEqual([file]);
  await writeFile(file, "2");
  expect(await nextPaths(watch)).toEqual([file]);
});

test("what is not read is merged: nothing is missed, nothing piles up", async () => {
  const watched = await emptyDirectory();
  await using watch = client.watch(watched);
  await watch.ready;
  const files = ["a", "b", "c"].map((name) => path.join(watched, name));
  for (const file of files) {
    const told = next(client, "fs/changed", ({ changedPaths }) => changedPaths.includes(file));
    await writeFile(file, "1");
    await told;
  }
  expect((await nextPaths(watch)).toSorted()).toEqual(files);
});

test("leaving the loop ends the watch: the server sends nothing more", async () => {
  const watched = await emptyDirectory();
  const mine = client.watch(watched);
  const other = client.watch(watched);
  await Promise.all([mine.ready, other.ready]);
  await writeFile(path.join(watched, "first"), "1");
  for await (const { changedPaths } of mine) {
    expect(changedPaths).toEqual([path.join(watched, "first")]);
    break;
  }
  await until(other, path.join(watched, "first"));

  // A second client-side listener sees whatever the server still sends about the directory.
  const ids: string[] = [];
  const stop = client.on("fs/changed", ({ params }) => ids.push(params.watchId));
  await writeFile(path.join(watched, "second"), "1");
  await until(other, path.join(watched, "second"));
  await writeFile(path.join(watched, "third"), "1");
  await until(other, path.join(watched, "third"));
  stop();
  expect(new Set(ids).size).toBe(1);
  await other.close();
  expect(await collect(mine)).toEqual([]);
});

test("an abort ends the watch with its reason", async () => {
  const watched = await emptyDirectory();
  const abort = new AbortController();
  const watch = client.watch(watched, { signal: abort.signal });
  await watch.ready;
  const waiting = rejection(watch.next());
  const reason = new Error("enough");
  abort.abort(reason);
  expect(await waiting).toBe(reason);
  expect(getEventListeners(abort.signal, "abort")).toEqual([]);
});

test("a crash of the server is thrown, a close ends the loop", async () => {
  const watched = await emptyDirectory();
  const before = await stage.processes();
  const other = await stage.client();
  const [server = 0] = (await stage.processes()).filter((pid) => !before.includes(pid));
  const lost = other.watch(watched);
  await lost.ready;
  const waiting = rejection(lost.next());
  process.kill(server, "SIGKILL");
  expect(await waiting).toBeInstanceOf(TransportClosedError);

  const codex = stage.codex();
  const closed = codex.watch(watched);
  await closed.ready;
  const end = collect(closed);
  await codex.close();
  expect(await end).toEqual([]);
});
