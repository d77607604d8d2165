import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Codex, type CodexConnectOptions, type CodexStatus } from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { ListeningServer } from "../support/listening-server.js";
import { RealStage, rejection } from "../support/real.js";

let stage: RealStage;
let server: ListeningServer;
let codex: Codex;

beforeEach(async () => {
  stage = await RealStage.open();
  server = await ListeningServer.start(stage);
});
afterEach(async () => {
  await codex.close();
  await server[Symbol.asyncDispose]();
  await stage.close();
});

/** Follows the status up to a state that comes for the `times`th time. */
async function states(until: CodexStatus["state"], times = 1): Promise<string[]> {
  const seen: string[] = [];
  for await (const { state } of codex.status()) {
    if (seen.at(-1) !== state) seen.push(state);
    if (seen.filter((each) => each === until).length === times) break;
  }
  return seen;
}

test("a Codex runs its turns on a server that runs already, and leaves it running", async () => {
  codex = new Codex({ url: server.url });
  const { serverInfo } = await codex.ready();
  expect(serverInfo.codexHome).toBe(stage.home);
  const thread = await codex.startThread({ cwd: stage.project });
  stage.model.enqueueFor(thread.id, reply.text("Hello."));
  expect(await thread.run("Hi")).toMatchObject({ finalResponse: "Hello." });
  await codex.close();
  expect((await rejection(codex.client())).message).toContain("The connection is closed");
  codex = new Codex({ url: server.url });
  expect((await codex.resumeThread(thread.id)).id).toBe(thread.id);
});

test("its status tells of a drop, and its threads go on afterwards", async () => {
  codex = new Codex({ url: server.url, reconnect: { minDelayMs: 10, maxDelayMs: 100 } });
  const thread = await codex.startThread({ cwd: stage.project });
  await thread.run("Hi");
  const seen = states("ready", 2);
  await server.kill();
  await server.restart();
  expect(await seen).toEqual(["ready", "reconnecting", "ready"]);
  stage.model.enqueueFor(thread.id, reply.text("Here."));
  expect(await thread.run("Still there?")).toMatchObject({ finalResponse: "Here." });
});

test("a connection that is lost for good is made anew by the next call", async () => {
  codex = new Codex({ url: server.url, reconnect: false });
  const thread = await codex.startThread({ cwd: stage.project });
  await thread.run("Hi");
  const seen = states("lost");
  await server.kill();
  expect(await seen).toEqual(["ready", "lost"]);
  expect(await rejection(thread.run("Nobody there"))).toMatchObject({ code: "CONNECT_FAILED" });
  await server.restart();
  stage.model.enqueueFor(thread.id, reply.text("Back."));
  expect(await thread.run("And now?")).toMatchObject({ finalResponse: "Back." });
});

test("options that cannot work are refused by the constructor", () => {
  codex = new Codex({ url: server.url });
  const bad: CodexConnectOptions[] = [
    { url: "http://127.0.0.1:1" },
    { url: "ws://example.com" },
    { url: server.url, token: "" },
    { url: server.url, reconnect: { retries: 0 } },
  ];
  for (const options of bad) {
    expect(() => new Codex(options)).toThrow(expect.objectContaining({ code: "INVALID_ARGUMENT" }));
  }
});
