import { expect, test } from "@jest/globals";
import { StatusFeed } from "../../../lib/supervision/status-feed.js";
import { collect } from "../../support/collect.js";

test("a reader that falls behind by more than 100 values misses the oldest, and no others", async () => {
  const feed = new StatusFeed(0);
  const late = feed.iterate();
  const prompt = feed.iterate();
  const seen: number[] = [];
  for (let value = 1; value <= 249; value += 1) {
    feed.publish(value);
    const { value: read } = await prompt.next();
    seen.push(read ?? -1);
  }
  feed.end(250);
  expect(await collect(late)).toEqual(Array.from({ length: 100 }, (_, index) => 151 + index));
  expect(seen).toEqual(Array.from({ length: 249 }, (_, index) => index));
  expect(await collect(prompt)).toEqual([249, 250]);
});

test("a reader for whom 100 values wait misses none", async () => {
  const feed = new StatusFeed(0);
  const late = feed.iterate();
  for (let value = 1; value < 99; value += 1) feed.publish(value);
  feed.end(99);
  expect(await collect(late)).toEqual(Array.from({ length: 100 }, (_, index) => index));
});
