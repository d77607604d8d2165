import { expect, test } from "@jest/globals";
import { loadBullMq } from "../../../lib/fleet/turns/load-bullmq.js";
import { MissingDependencyError } from "../../../lib/index.js";

test("without BullMQ, whoever runs turns as jobs is told what to install", async () => {
  const missing = (): Promise<object> => Promise.reject(new Error("Cannot find package"));
  await expect(loadBullMq(missing)).rejects.toThrow(MissingDependencyError);
  await expect(loadBullMq(missing)).rejects.toThrow("npm install bullmq@6 ioredis@5");
  await expect(loadBullMq(() => Promise.resolve({}))).rejects.toThrow(MissingDependencyError);
});
