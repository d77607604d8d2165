import { expect } from "@jest/globals";
import type { Thread } from "../../lib/index.js";
import type { LoopbackModel } from "../../lib/testing/index.js";

/**
 * The thread is free, and the server starts no turn on it by itself: turns of ours run to their end, one
 * after the other, and are the only new ones. Of a turn that was stopped, the request may reach the model as
 * late as now, so the server is asked which turns there were.
 */
export async function expectAtRest(model: LoopbackModel, thread: Thread): Promise<void> {
  const turnIds = async () => (await thread.turns({ limit: 100 }).all()).map(({ id }) => id);
  const before = await turnIds();
  const own: string[] = [];
  for (let round = 0; round < 2; round += 1) {
    const { id, status } = await thread.run("Hello");
    expect(status).toBe("completed");
    own.push(id);
  }
  expect((await turnIds()).sort()).toEqual([...before, ...own].sort());
  const asked = model.requests
    .filter(({ threadId }) => threadId === thread.id)
    .filter(({ turnId }) => !before.includes(turnId ?? ""));
  expect(asked.map(({ turnId, lastUserText }) => [turnId, lastUserText])).toEqual(
    own.map((id) => [id, "Hello"]),
  );
}
