import { expect, test } from "@jest/globals";
import { LogReaders } from "../../../lib/http/streams/log-readers.js";

test("a reader that waits for a shorter time is not held up by one that waits for longer", async () => {
  const readers = new LogReaders();
  const { signal } = new AbortController();
  const long = readers.wait(3_600_000, signal);
  const began = performance.now();
  // The alarm does not keep the process alive.
  const running = setInterval(() => undefined, 1_000);
  await readers.wait(0, signal);
  await readers.wait(20, signal);
  expect(performance.now() - began).toBeLessThan(600_000);
  clearInterval(running);
  readers.end();
  await long;
});
