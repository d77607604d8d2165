import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { applyChanges, type Changes } from "../../../scripts/update-artifacts/apply.js";
import { disk, type Disk } from "../../../scripts/update-artifacts/disk.js";
import { hashOf, undo } from "../../../scripts/update-artifacts/journal.js";
import { makeTempDir, type TempDir } from "../../support/temp-dir.js";
import { writeTree } from "../runtime/file-tree.js";

const files = { "a.txt": "a", "deep/b.txt": "b", "gone/c.txt": "c" };
const before = [
  "a.txt a",
  "deep/",
  "deep/b.txt b",
  "gone/",
  "gone/c.txt c",
  "modules/",
  "modules/one/",
  "modules/one/x old",
];
const after = [
  "a.txt A",
  "deep/",
  "deep/b.txt B",
  "gone/",
  "modules/",
  "modules/one/",
  "modules/one/x new",
  "modules/two/",
  "modules/two/y new",
  "new/",
  "new/er/",
  "new/er/d.txt d",
];

let temp: TempDir;
let root: string;
let work: string;

beforeEach(async () => {
  temp = await makeTempDir();
});

afterEach(async () => {
  await temp.remove();
});

let count = 0;
async function makePlace(): Promise<void> {
  root = path.join(temp.path, String(++count), "root");
  work = path.join(temp.path, String(count), "work");
  await writeTree(root, { ...files, "modules/one/x": "old" });
  await writeTree(work, { "fresh/one/x": "new", "fresh/two/y": "new" });
}

function changes(): Changes {
  const change = (place: string, from: string | undefined, content: string | undefined) => ({
    path: place,
    from: hashOf(from === undefined ? undefined : Buffer.from(from)),
    content: content === undefined ? undefined : Buffer.from(content),
  });
  return {
    files: [
      change("a.txt", "a", "A"),
      change("deep/b.txt", "b", "B"),
      change("gone/c.txt", "c", undefined),
      change("new/er/d.txt", undefined, "d"),
    ],
    folders: [
      { path: "modules/one", fresh: "fresh/one" },
      { path: "modules/two", fresh: "fresh/two" },
    ],
  };
}

function apply(
  byDisk: Disk = disk,
  more: { signal?: AbortSignal; check?: () => Promise<void> } = {},
) {
  const { signal = new AbortController().signal, check = () => Promise.resolve() } = more;
  return applyChanges(changes(), {
    root,
    work,
    disk: byDisk,
    signal,
    check,
    note: () => undefined,
  });
}

async function tree(): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const lines = entries.map(async (entry) => {
    const place = path.join(entry.parentPath, entry.name);
    const name = path.relative(root, place);
    return entry.isFile() ? `${name} ${await readFile(place, "utf8")}` : `${name}/`;
  });
  return (await Promise.all(lines)).sort();
}

/** The real disk, but for what `at` does before each thing that is done to it, and after it. */
function watched(at: (count: number) => void | Promise<void>): Disk {
  let count = 0;
  const watch = <Args extends unknown[], Result>(method: (...args: Args) => Promise<Result>) => {
    return async (...args: Args): Promise<Result> => {
      await at(++count);
      const result = await method(...args);
      await at(++count);
      return result;
    };
  };
  return {
    cp: watch(disk.cp),
    mkdir: watch(disk.mkdir as (...args: unknown[]) => Promise<never>),
    rename: watch(disk.rename),
    rm: watch(disk.rm),
    writeFile: watch(disk.writeFile),
  };
}

/** A disk on which no folder can be moved into another, and on which files are copied and removed one by one. */
function apart(at: (count: number) => void | Promise<void>): Disk {
  const by = watched(at);
  const filesIn = async (place: string): Promise<string[]> => {
    const options = { recursive: true, withFileTypes: true } as const;
    const entries = await readdir(place, options).catch(() => []);
    return entries.flatMap((each) =>
      each.isFile() ? [path.join(each.parentPath, each.name)] : [],
    );
  };
  return {
    ...by,
    rename: async (from, to) => {
      const isWithin = path.dirname(String(from)) === path.dirname(String(to));
      if (!isWithin) throw Object.assign(new Error("EXDEV"), { code: "EXDEV" });
      await by.rename(from, to);
    },
    cp: async (from, to, options) => {
      for (const file of await filesIn(String(from))) {
        const copy = path.join(String(to), path.relative(String(from), file));
        await disk.mkdir(path.dirname(copy), { recursive: true });
        await by.cp(file, copy);
      }
      await by.cp(from, to, options);
    },
    rm: async (place, options) => {
      for (const file of await filesIn(String(place))) await by.rm(file);
      await by.rm(place, options);
    },
  };
}

/** How many moments there are to fail at. */
async function moments(make = watched): Promise<number> {
  await makePlace();
  let last = 0;
  await apply(make((count) => void (last = count)));
  expect(await tree()).toEqual(after);
  return last;
}

describe("changing a checkout all at once", () => {
  test("puts everything back, whichever step fails, before it or after it", async () => {
    const all = await moments();
    expect(all).toBeGreaterThan(40);
    // With the last ones the journal is gone, and everything is done for good.
    for (let at = 1; at < all - 1; at++) {
      await makePlace();
      const failing = watched((count) => {
        if (count === at) throw new Error("it does not work");
      });
      await expect(apply(failing)).rejects.toThrow("it does not work");
      expect([at, await tree()]).toEqual([at, before]);
    }
  });

  test("puts everything back when it is ended, and has changed everything when it is not", async () => {
    const all = await moments();
    for (let at = 1; at <= all; at++) {
      await makePlace();
      const controller = new AbortController();
      const ending = watched((count) => {
        if (count === at) controller.abort(new Error("ended"));
      });
      const result = await apply(ending, { signal: controller.signal }).then(
        () => after,
        () => before,
      );
      expect([at, await tree()]).toEqual([at, result]);
      if (at < all - 4) expect(result).toBe(before);
    }
  });

  /** No one test goes through all moments: on a busy machine that takes minutes. */
  const parts = 8;
  const ways = [
    ["", watched],
    [" between file systems", apart],
  ] as const;
  test.each(
    ways.flatMap(([where, make]) =>
      Array.from({ length: parts }, (_, index) => [where, index + 1, make] as const),
    ),
  )(
    "is undone after kill -9%s, also when that is killed, too, at moment %i and each eighth after it",
    async (_, first, make) => {
      const all = await moments(make);
      const stopAt = (at: number, resolve: () => void): Disk =>
        make((count) => {
          if (count < at) return;
          resolve();
          return new Promise<never>(() => undefined);
        });
      for (let at = first; at <= all; at += parts) {
        await makePlace();
        await new Promise<void>((resolve, reject) => {
          apply(stopAt(at, resolve)).catch(reject);
        });
        // The first repair is killed at another moment each time.
        await new Promise<void>((resolve, reject) => {
          undo(root, work, stopAt(1 + ((at * 7) % 40), resolve)).then(() => {
            resolve();
          }, reject);
        });
        await undo(root, work, disk);
        const done = at === all;
        expect([at, await tree()]).toEqual([at, done ? after : before]);
      }
    },
  );

  test("is not undone by a journal that cannot be read, and the journal stays", async () => {
    await makePlace();
    await writeTree(work, { "journal.json/in-the-way": "" });
    await expect(undo(root, work, disk)).rejects.toThrow("EISDIR");
  });

  test("puts everything back when the check of the result fails", async () => {
    await makePlace();
    const check = async (): Promise<void> => {
      expect(await tree()).toEqual(after);
      throw new Error("it does not start");
    };
    await expect(apply(disk, { check })).rejects.toThrow("it does not start");
    expect(await tree()).toEqual(before);
  });

  test("works between file systems, where nothing can be renamed", async () => {
    await makePlace();
    await apply(apart(() => undefined));
    expect(await tree()).toEqual(after);

    await makePlace();
    const check = () => Promise.reject(new Error("it does not start"));
    await expect(
      apply(
        apart(() => undefined),
        { check },
      ),
    ).rejects.toThrow("it does not start");
    expect(await tree()).toEqual(before);
  });
});
