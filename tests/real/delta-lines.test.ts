import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { DeltaLines } from "../../lib/messages/delta-lines.js";
import type { NotificationMessage } from "../../lib/jsonrpc/message.js";
import { reply } from "../../lib/testing/index.js";
import { RawStage } from "../support/raw-stage.js";

let stage: RawStage;

beforeAll(async () => {
  stage = await RawStage.open();
});
afterAll(() => stage.close());

test("the deltas of the real server are written as the short way of reading them expects", async () => {
  const pieces = ["One ", "two\n", '"three" ', "vier“ ", "\u2028five", "six ".repeat(50)];
  stage.model.respond(() => reply.text(pieces));
  let text = "";
  stage.client.child.stdout.on("data", (more: string) => (text += more));
  const threadId = await stage.startThread();
  const turnId = await stage.startTurn(threadId, "Count");
  await stage.completed(turnId);

  const deltas = new DeltaLines();
  const lines = text.split("\n").filter((line) => line.includes("item/agentMessage/delta"));
  expect(lines.length).toBeGreaterThanOrEqual(pieces.length);
  for (const [index, line] of lines.entries()) {
    const message = JSON.parse(line) as NotificationMessage;
    const read = deltas.read(line, 0, line.length);
    if (index >= 2) expect(read).toEqual(message);
    else deltas.learn(message);
  }
});
