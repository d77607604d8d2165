import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { Codex } from "../../lib/index.js";
import { ListeningServer } from "../support/listening-server.js";
import { RealStage } from "../support/real.js";

let stage: RealStage;
beforeEach(async () => {
  stage = await RealStage.open();
});
afterEach(() => stage.close());

/** Which threads a `Codex` hears of, from before its server runs, and as they are started. */
function startedThreads(codex: Codex): string[] {
  const started: string[] = [];
  codex.on("thread/started", ({ params }) => started.push(params.thread.id));
  return started;
}

/** Starts one, and waits for an answer that comes behind the news of it. */
async function startThread(codex: Codex): Promise<string> {
  const { id } = await codex.startThread();
  await codex.account();
  return id;
}

test("codex.on() goes on when the server was killed and another one has been started", async () => {
  const codex = stage.codex();
  const heard = startedThreads(codex);
  const first = await startThread(codex);
  const [pid = 0] = await stage.processes();
  process.kill(pid, "SIGKILL");
  await (
    await codex.client()
  ).closed;
  const second = await startThread(codex);
  expect(heard).toEqual([first, second]);
});

test("codex.on() goes on when the server that it is connected to was restarted", async () => {
  await using server = await ListeningServer.start(stage);
  await using codex = new Codex({ url: server.url });
  const heard = startedThreads(codex);
  const first = await startThread(codex);
  const restored = (async () => {
    for await (const { state } of codex.status()) if (state === "reconnecting") break;
  })();
  await server.restart();
  await restored;
  const second = await startThread(codex);
  expect(heard).toEqual([first, second]);
});
