import { expect, test } from "@jest/globals";
import { Pages, type Page } from "../../../lib/pages.js";
import { collect, rejection } from "../../support/collect.js";

type Answers = Record<string, Page<number>>;

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
  expect(cursors).toEqual([undefined, "b", "c", undefined, "b", "c"]);
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
  const last = { data: [2] } as unknown;
  const { pages, cursors } = listOf({
    first: { data: [1], nextCursor: "b" },
    b: last as Page<number>,
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
