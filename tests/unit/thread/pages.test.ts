import { describe, expect, test } from "@jest/globals";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { ProtocolError } from "../../../lib/errors/connection-errors.js";
import { NoNextPageError } from "../../../lib/errors/list-errors.js";
import { Pages, type PageAnswer } from "../../../lib/options/pages.js";
import { collect, rejection } from "../../support/collect.js";

type Answers = Record<string, PageAnswer<number>>;

const three: Answers = {
  first: { data: [1, 2], nextCursor: "b" },
  b: { data: [], nextCursor: "c" },
  c: { data: [3], nextCursor: null },
};

/** A list over these pages, and the cursors it was asked for. */
function listOf(answers: Answers) {
  const cursors: (string | undefined)[] = [];
  const pages = new Pages<number>((cursor) => {
    cursors.push(cursor);
    if (cursors.length > 10) throw new Error("this would go on for ever");
    const page = answers[cursor ?? "first"];
    return page ? Promise.resolve(page) : Promise.reject(new Error("no such page"));
  });
  return { pages, cursors };
}

test("page() gives one page, the first or the one that the cursor names", async () => {
  const { pages, cursors } = listOf(three);
  expect(await pages.page()).toEqual(three["first"]);
  expect(await pages.page("c")).toEqual(three["c"]);
  expect(cursors).toEqual([undefined, "c"]);
});

test("all() and iterating give the entries of every page, empty ones included", async () => {
  const { pages, cursors } = listOf(three);
  expect(await pages.all()).toEqual([1, 2, 3]);
  expect(await collect(pages)).toEqual([1, 2, 3]);
  // The first page is fetched once for both.
  expect(cursors).toEqual([undefined, "b", "c", "b", "c"]);
});

test("a page is fetched only when the loop comes to it", async () => {
  const { pages, cursors } = listOf(three);
  for await (const entry of pages) if (entry === 2) break;
  expect(cursors).toEqual([undefined]);
});

test("a cursor that the server repeats ends the iteration", async () => {
  const { pages, cursors } = listOf({
    first: { data: [1], nextCursor: "b" },
    b: { data: [2], nextCursor: "b" },
  });
  expect(await pages.all()).toEqual([1, 2]);
  expect(cursors).toEqual([undefined, "b"]);
});

test("a last page that does not mention a cursor ends the iteration", async () => {
  const { pages, cursors } = listOf({
    first: { data: [1], nextCursor: "b" },
    b: { data: [2] },
  });
  expect(await pages.all()).toEqual([1, 2]);
  expect(cursors).toEqual([undefined, "b"]);
});

test("what goes wrong on a later page is thrown after the entries before it", async () => {
  const { pages } = listOf({ first: { data: [1], nextCursor: "gone" } });
  const seen: number[] = [];
  const loop = async () => {
    for await (const entry of pages) seen.push(entry);
  };
  expect(await rejection(loop())).toMatchObject({ message: "no such page" });
  expect(seen).toEqual([1]);
});

describe("awaiting a list", () => {
  test("gives the first page, as page() does; nothing is sent before that", async () => {
    const { pages, cursors } = listOf(three);
    await Promise.resolve();
    expect(cursors).toEqual([]);
    const first = await pages;
    expect(first).toEqual(three["first"]);
    expect(first.data).toEqual([1, 2]);
    expect(await pages.page()).toBe(first);
  });

  test("again, or at the same time, shares one request, and so does iterating", async () => {
    const { pages, cursors } = listOf(three);
    const [one, two] = await Promise.all([pages, pages]);
    expect(one).toBe(two);
    expect(await pages).toBe(one);
    expect(await collect(pages)).toEqual([1, 2, 3]);
    expect(cursors).toEqual([undefined, "b", "c"]);
  });

  test("rejects with what went wrong, every time, and nobody is told who does not ask", async () => {
    const { pages, cursors } = listOf({});
    expect(await rejection(Promise.resolve(pages))).toMatchObject({ message: "no such page" });
    expect(await pages.catch((error: unknown) => (error as Error).message)).toBe("no such page");
    expect(await rejection(pages.all())).toMatchObject({ message: "no such page" });
    expect(cursors).toEqual([undefined]);
  });

  test("works wherever a promise does", async () => {
    const settled: string[] = [];
    const finished = await listOf(three).pages.finally(() => settled.push("settled"));
    expect(finished.data).toEqual([1, 2]);
    expect(settled).toEqual(["settled"]);
    const inAsync = async () => listOf(three).pages;
    expect((await inAsync()).data).toEqual([1, 2]);
    expect(await collect(await inAsync())).toEqual([1, 2, 3]);
    const typed: Promise<{ data: readonly number[] }> = listOf(three).pages;
    expect((await typed).data).toEqual([1, 2]);
  });
});

describe("a page", () => {
  test("is iterated from itself to the end of the list, as often as wanted", async () => {
    const { pages } = listOf(three);
    const first = await pages;
    expect(await collect(first)).toEqual([1, 2, 3]);
    expect(await collect(first)).toEqual([1, 2, 3]);
    expect(await collect(await pages.page("c"))).toEqual([3]);
  });

  test("leads to the next one until there is none", async () => {
    const { pages } = listOf(three);
    const first = await pages;
    expect(first.hasNextPage()).toBe(true);
    const second = await first.getNextPage();
    expect(second).toEqual(three["b"]);
    const last = await second.getNextPage();
    expect([last.data, last.hasNextPage()]).toEqual([[3], false]);
    expect(await rejection(last.getNextPage())).toBeInstanceOf(NoNextPageError);
    // An earlier one still leads to its own next page.
    expect(await first.getNextPage()).toEqual(second);
  });

  test("gives the pages behind it one by one, too", async () => {
    const pages = await collect((await listOf(three).pages).iterPages());
    expect(pages.map(({ data }) => data)).toEqual([[1, 2], [], [3]]);
  });

  test("has whatever else the server sent with it, and nothing of that takes the place of a method", async () => {
    const answer = JSON.parse(
      '{"data":[1],"nextCursor":"b","backwardsCursor":"a","readStates":{"x":1},"hasNextPage":0,"__proto__":{"then":1}}',
    ) as PageAnswer<number>;
    const page = await new Pages(() => Promise.resolve(answer));
    expect(page).toMatchObject({ backwardsCursor: "a", readStates: { x: 1 } });
    expect(page.hasNextPage()).toBe(true);
    expect(Object.keys(page).sort()).toEqual([
      "backwardsCursor",
      "data",
      "nextCursor",
      "readStates",
    ]);
    expect(JSON.parse(JSON.stringify(page))).toMatchObject({ data: [1], nextCursor: "b" });
  });

  test.each([null, undefined, {}, { data: null }, { data: { length: 1 } }, "data"])(
    "is refused when the server answers %j",
    async (answer) => {
      const pages = new Pages(() => Promise.resolve(answer as unknown as PageAnswer<number>));
      expect(await rejection(pages.all())).toBeInstanceOf(ProtocolError);
    },
  );
});

describe("cursors that go round", () => {
  /** A list whose cursors are these, over and over; each page holds its own number. */
  function roundOf(before: number, length: number) {
    let fetched = 0;
    const pages = new Pages<number>((cursor) => {
      const at = cursor === undefined ? 0 : Number(cursor.split(":")[0]);
      fetched += 1;
      const next = at + 1 < before + length ? at + 1 : before;
      return Promise.resolve({ data: [at], nextCursor: `${next}:${"x".repeat(100)}` });
    });
    return { pages, fetched: () => fetched };
  }

  test.each([
    [0, 2],
    [1, 1],
    [1, 2],
    [3, 5],
    [1, 999],
  ])("end after one round: %i before it, and %i of it", async (before, length) => {
    const { pages, fetched } = roundOf(before, length);
    const entries = await pages.all();
    // The first page has no cursor. A round that it is part of is noticed one page later.
    const expected = before === 0 ? length + 1 : before + length;
    expect(entries).toHaveLength(expected);
    expect(fetched()).toBe(expected);
  });

  test("end also when the round is longer than what is kept of it, although later", async () => {
    const { pages, fetched } = roundOf(10, 3_000);
    const entries = await pages.all();
    expect(new Set(entries).size).toBe(3_010);
    expect(fetched()).toBeLessThan(4 * 3_010);
  });

  test("end for whoever goes from page to page by hand", async () => {
    const { pages } = roundOf(1, 2);
    const seen: number[] = [];
    let page = await pages;
    seen.push(...page.data);
    while (page.hasNextPage()) {
      page = await page.getNextPage();
      seen.push(...page.data);
    }
    expect(seen).toEqual([0, 1, 2]);
  });

  test("keep no more of a long list than a little", async () => {
    let count = 0;
    const pages = new Pages<number>(() => {
      count += 1;
      return Promise.resolve({
        data: [],
        nextCursor: count === 3_000 ? null : `${count}`.padEnd(10_000, "-"),
      });
    });
    const collectGarbage = exposedGc();
    collectGarbage();
    const before = process.memoryUsage().heapUsed;
    let page = await pages;
    while (page.hasNextPage()) page = await page.getNextPage();
    expect(count).toBe(3_000);
    collectGarbage();
    // All of the cursors together are 30 MB.
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000);
    expect(page.data).toEqual([]);
  });
});

function exposedGc(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}
