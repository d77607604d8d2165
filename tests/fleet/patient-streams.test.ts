import { expect, test } from "@jest/globals";
import { patientStreams, RedisFleetStore } from "../../lib/fleet/index.js";
import { checkTurnStreamStore, TurnStreams } from "../../lib/http/index.js";
import { collect } from "../support/collect.js";
import { RedisServer } from "../support/redis-server.js";
import { ScriptedTurn } from "../support/scripted-turn.js";

const request = () => new Request("http://localhost/");

test("a turn goes on while Redis is away, and its viewers see all of it when it is back", async () => {
  await using server = await RedisServer.start();
  // Its writes fail soon. The other one may take some time to come back.
  const writing = new RedisFleetStore({ redis: server.url, callTimeoutMs: 200 });
  const reading = new RedisFleetStore({ redis: server.url });
  const here = new TurnStreams({
    authorize: () => true,
    store: patientStreams(writing.streams),
    batchMs: 0,
  });
  const there = new TurnStreams({ authorize: () => true, store: reading.streams });
  const scripted = new ScriptedTurn().start();
  const id = here.add(scripted.turn, { owner: "ada" });
  await (await here.response(new Request("http://localhost/", { method: "HEAD" }), id)).text();
  scripted.say("before");
  for await (const part of await there.parts(request(), id)) {
    if (part.type === "message-delta") break;
  }
  await server.kill();
  for (let count = 0; count < 20; count += 1) scripted.say(` ${count}`);
  // The first writes fail meanwhile.
  await expect(writing.hosts()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  await expect(writing.hosts()).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  await server.restart();
  scripted.end();
  const parts = await collect(await there.parts(request(), id));
  const text = parts.map((part) => (part.type === "message-delta" ? part.delta : "")).join("");
  expect(text).toBe(`before${Array.from({ length: 20 }, (_, count) => ` ${count}`).join("")}`);
  expect(parts.at(-1)).toMatchObject({ type: "end", status: "completed" });
  expect(scripted.calls).not.toContain("interrupt");
  await Promise.all([here.close(), there.close()]);
});

test("it gives up in the end, and what is no outage is told at once", async () => {
  await using server = await RedisServer.start();
  const store = new RedisFleetStore({ redis: server.url, callTimeoutMs: 100 });
  const streams = patientStreams(store.streams, { giveUpMs: 300 });
  const limits = { retainMs: 60_000, maxBytes: 1_000 };
  await expect(streams.create("", { owner: "a", threadId: "t" }, limits)).rejects.toMatchObject({
    code: "INVALID_ARGUMENT",
  });
  await server.kill();
  await expect(streams.end("id")).rejects.toMatchObject({ code: "STORE_UNAVAILABLE" });
  const waiting = patientStreams(store.streams, { giveUpMs: Infinity });
  const failed = waiting.end("id").catch((error: unknown) => error);
  await waiting.close();
  expect(await failed).toMatchObject({ code: "STORE_UNAVAILABLE" });
  expect(() => patientStreams(store.streams, { giveUpMs: -1 })).toThrow("giveUpMs");
});

test("patient streams are streams like others", async () => {
  await using server = await RedisServer.start();
  const open = () => patientStreams(new RedisFleetStore({ redis: server.url }).streams);
  await checkTurnStreamStore(() => ({ writing: open(), reading: open() }));
});
