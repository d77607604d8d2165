import { expect, jest, test } from "@jest/globals";
import type { Job } from "bullmq";
import { Lease } from "../../../lib/fleet/turns/lease.js";

test("a lock counts from when it was asked for, however late the answer is heard", async () => {
  let now = 0;
  const clock = jest.spyOn(performance, "now").mockImplementation(() => now);
  let answer: (isHeld: number) => void = () => undefined;
  const extendLock = (): Promise<number> => new Promise((resolve) => (answer = resolve));
  const lease = new Lease({ extendLock } as unknown as Job, "token", "me", 1_000);
  const asked = lease.renew();
  // As in a process that is stopped meanwhile.
  now = 500;
  answer(1);
  expect(await asked).toBe(true);
  expect(lease.isSure).toBe(false);
  expect(lease.lost.aborted).toBe(false);
  const again = lease.renew();
  answer(1);
  expect(await again).toBe(true);
  expect(lease.isSure).toBe(true);
  const lost = lease.renew();
  answer(0);
  expect(await lost).toBe(false);
  expect(lease.lost.aborted).toBe(true);
  clock.mockRestore();
});
