import { expect, test } from "@jest/globals";
import { BoundedMap } from "../../../lib/async/bounded-map.js";

test("never has more entries than it may, and forgets the oldest first", () => {
  const forgotten: number[] = [];
  const map = new BoundedMap<number, string>(32, (key) => forgotten.push(key));
  for (let key = 0; key < 1_000; key += 1) {
    map.set(key, `value ${key}`);
    expect(map.size).toBeLessThanOrEqual(32);
  }
  expect(map.get(999)).toBe("value 999");
  expect(forgotten).toEqual(Array.from({ length: 1_000 - map.size }, (_, key) => key));
});

test("takes an entry that is set again for the newest", () => {
  const map = new BoundedMap<string, number>(2);
  map.set("one", 1).set("two", 2).set("one", 3).set("three", 4);
  expect([...map]).toEqual([
    ["one", 3],
    ["three", 4],
  ]);
});

test("does not tell of entries that somebody has deleted", () => {
  const forgotten: string[] = [];
  const map = new BoundedMap<string, number>(1, (key) => forgotten.push(key));
  map.set("one", 1);
  map.delete("one");
  map.set("two", 2);
  map.forgetOldest();
  expect(forgotten).toEqual(["two"]);
});
