import { expect, test } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { reply } from "../../lib/testing/index.js";
import { testWhere } from "../support/offers.js";
import { next, RealStage } from "../support/real.js";
import { startRealtimeServer } from "../support/realtime-server.js";

const listTest = await testWhere("thread/realtime/list");

test("a voice session tells what is said, as items, as text and as sound, until it is stopped", async () => {
  await using voice = await startRealtimeServer();
  await using stage = await RealStage.open({
    config: { experimental_realtime_ws_base_url: voice.url },
  });
  stage.model.respond(() => reply.text("Hello!"));
  const client = await stage.client();
  await client.rpc.account.login.start({ type: "apiKey", apiKey: "sk-of-nobody" });
  const { id: threadId } = await client.startThread();

  const events = Promise.all([
    next(client, "thread/realtime/started"),
    next(client, "thread/realtime/itemAdded"),
    next(client, "thread/realtime/item/started"),
    next(client, "thread/realtime/item/completed"),
    next(client, "thread/realtime/item/transcript/delta"),
    next(client, "thread/realtime/transcript/delta"),
    next(client, "thread/realtime/transcript/done"),
    next(client, "thread/realtime/outputAudio/delta"),
  ]);
  await client.rpc.thread.realtime.start({ threadId, outputModality: "text" });
  expect(await events).toMatchObject([
    { threadId },
    { threadId, item: { id: "greeting" } },
    { threadId, item: { type: "realtimeSessionStarted" } },
    { threadId, item: { type: "realtimeSessionStarted" } },
    { threadId, delta: "Hel" },
    { threadId, role: "assistant", delta: "Hel" },
    { threadId, role: "assistant", text: "Hello" },
    { threadId, audio: { data: "AAAAAA==", itemId: "greeting" } },
  ]);

  const closed = next(client, "thread/realtime/closed");
  await client.rpc.thread.realtime.appendText({ threadId, text: "How are you?" });
  await client.rpc.thread.realtime.stop({ threadId });
  expect(await closed).toMatchObject({ threadId, reason: "requested" });
  expect(voice.heard).toEqual([expect.stringContaining("How are you?")]);
});

listTest("what was said in voice sessions is a list, also of a stored thread", async () => {
  await using voice = await startRealtimeServer();
  await using stage = await RealStage.open({
    config: { experimental_realtime_ws_base_url: voice.url },
  });
  const client = await stage.client();
  await client.login.apiKey("sk-of-nobody");
  const thread = await client.startThread();
  expect(await thread.realtimeItems().all()).toEqual([]);
  const heard = next(client, "thread/realtime/transcript/done");
  await client.rpc.thread.realtime.start({ threadId: thread.id, outputModality: "text" });
  await heard;
  const closed = next(client, "thread/realtime/closed");
  await client.rpc.thread.realtime.stop({ threadId: thread.id });
  await closed;

  const page = await thread.realtimeItems({ order: "position", limit: 2 });
  expect(page).toMatchObject({ coverage: "ready", nextCursor: expect.any(String) });
  expect(page.data).toHaveLength(2);
  const entries = await thread.realtimeItems({ order: "position", limit: 1 }).all();
  expect(entries.map(({ item }) => item)).toMatchObject([
    { type: "realtimeSessionStarted" },
    { type: "frame", channels: { voice_transcript: { role: "assistant", text: "Hello" } } },
    { type: "realtimeSessionClosed", outcome: "ended" },
  ]);
  expect(entries.slice(0, 2)).toEqual(page.data);
  expect(await thread.realtimeItems().all()).toEqual(entries);

  const sessionId = entries[0]?.item.realtimeSessionId;
  expect(await thread.realtimeItems({ sessionId }).all()).toEqual(entries);
  expect(await thread.realtimeItems({ afterPosition: entries[1]?.position }).all()).toEqual(
    entries.slice(2),
  );
  expect(await client.thread(randomUUID()).realtimeItems().all()).toEqual([]);
  await client.close();
  expect(await stage.codex().thread(thread.id).realtimeItems().all()).toEqual(entries);
});

test("a voice session without an API key says what it lacks", async () => {
  await using stage = await RealStage.open();
  const client = await stage.client();
  const { id: threadId } = await client.startThread();
  const failed = next(client, "thread/realtime/error");
  await client.rpc.thread.realtime.start({ threadId, outputModality: "text" });
  expect(await failed).toMatchObject({ threadId, message: expect.stringContaining("API key") });
});
