import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { once } from "node:events";
import { Readable, Writable } from "node:stream";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { AppServerClient, type StreamPair } from "../../lib/index.js";
import { reply } from "../../lib/testing/index.js";
import { configArgs, serverUnderTest } from "../support/raw-client.js";
import { RealStage } from "../support/real.js";

let stage: RealStage;

beforeAll(async () => {
  stage = await RealStage.open();
});
afterAll(() => stage.close());

/** A server that somebody else has started, as in a container or at the end of an SSH connection. */
function startServer(): ChildProcessWithoutNullStreams {
  const { config = {}, env, cwd } = stage.options();
  const child = spawn(serverUnderTest(), [...configArgs(config), "app-server"], {
    cwd,
    env: { ...process.env, ...env },
  });
  child.stderr.resume();
  return child;
}

const kinds: [string, (child: ChildProcessWithoutNullStreams) => StreamPair][] = [
  ["Node's", ({ stdout, stdin }) => ({ readable: stdout, writable: stdin })],
  [
    "the web's",
    ({ stdout, stdin }) => ({ readable: Readable.toWeb(stdout), writable: Writable.toWeb(stdin) }),
  ],
];

test.each(kinds)("a turn over streams of ours, %s; closing them ends the server", async (_, of) => {
  const child = startServer();
  const exited = once(child, "exit");
  const client = await AppServerClient.connect({ transport: of(child) });
  const thread = await client.startThread({ cwd: stage.project });
  stage.model.enqueueFor(thread.id, reply.text("Hello."));
  await expect(thread.run("Hello?")).resolves.toMatchObject({ finalResponse: "Hello." });
  await client.close();
  await expect(client.closed).resolves.toMatchObject({ kind: "closed" });
  await expect(exited).resolves.toEqual([0, null]);
});

test("a server that ends by itself ends the turn that runs", async () => {
  const child = startServer();
  const exited = once(child, "exit");
  const client = await AppServerClient.connect({
    transport: { readable: child.stdout, writable: child.stdin },
  });
  const thread = await client.startThread({ cwd: stage.project });
  stage.model.enqueueFor(thread.id, reply.hang());
  const turn = thread.turn("Hello?");
  await turn.started;
  child.kill("SIGKILL");
  await expect(turn.run()).rejects.toMatchObject({
    code: "TRANSPORT_CLOSED",
    reason: { kind: "exited" },
  });
  await exited;
});
