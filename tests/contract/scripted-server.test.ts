import { expect, test } from "@jest/globals";
import { validateNotification, validateResult } from "../support/schemas.js";
import { startScripted } from "../support/scripted-server.js";

test("the scripted server's own handshake, thread and turn are valid protocol", async () => {
  await using running = await startScripted();
  const { client } = running;
  const problems: string[] = [];
  const seen: string[] = [];
  const notifications = client.notifications();

  const opened = await client.request("thread/start", {});
  problems.push(...validateResult("thread/start", opened));
  const { id: threadId } = opened.thread;
  const input = [{ type: "text" as const, text: "Hi", text_elements: [] }];
  const started = await client.request("turn/start", { threadId, input });
  problems.push(...validateResult("turn/start", started));
  for await (const { method, params } of notifications) {
    seen.push(method);
    problems.push(...validateNotification(method, params));
    if (method === "turn/completed") break;
  }

  expect(problems).toEqual([]);
  expect(seen).toEqual([
    "thread/started",
    "turn/started",
    "item/started",
    "item/agentMessage/delta",
    "item/completed",
    "turn/completed",
  ]);
});

test("a turn handle runs to its end on the scripted server", async () => {
  await using running = await startScripted();
  const thread = await running.client.startThread();
  const result = await thread.run("Hi");
  expect(result).toMatchObject({ id: "turn-1", status: "completed", finalResponse: "Hello." });
});
