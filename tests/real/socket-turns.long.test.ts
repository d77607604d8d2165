import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import path from "node:path";
import { setImmediate as nextRound } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { reply } from "../../lib/testing/index.js";
import { ListeningServer } from "../support/listening-server.js";
import { runtimeVersion } from "../support/offers.js";
import { RealStage, rejection } from "../support/real.js";

const version = await runtimeVersion();

const MiB = 1024 * 1024;

/** Nothing else of this process runs meanwhile, and nothing is read. */
function doNothingFor(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

describe.each(["ws", "unix"] as const)("over %s", (listen) => {
  let stage: RealStage;
  let server: ListeningServer;
  const at = (name: string): string => path.join(stage.project, name);

  beforeAll(async () => {
    stage = await RealStage.open();
    server = await ListeningServer.start(stage, { listen });
  });
  afterAll(async () => {
    await server[Symbol.asyncDispose]();
    await stage.close();
  });

  test("a whole turn runs, and its text streams", async () => {
    const client = await server.connect();
    expect(client.serverInfo).toMatchObject({ version, codexHome: stage.home });
    const thread = await client.startThread({ cwd: stage.project });
    stage.model.enqueueFor(thread.id, reply.text("Größe: 5 €."));
    let streamed = "";
    const turn = thread.turn("How large?");
    for await (const event of turn) {
      if (event.method === "item/agentMessage/delta") streamed += event.params.delta;
    }
    await expect(turn.run()).resolves.toMatchObject({
      status: "completed",
      finalResponse: "Größe: 5 €.",
    });
    expect(streamed).toBe("Größe: 5 €.");
  });

  test.each([
    ["accept", true],
    ["decline", false],
  ] as const)("a command runs only when it was approved: %s", async (decision, runs) => {
    const client = await server.connect();
    const asked: string[] = [];
    const thread = await client.startThread({
      cwd: stage.project,
      approvalPolicy: "untrusted",
      onApproval: (request) => {
        asked.push(request.type);
        return decision;
      },
    });
    stage.model.enqueueFor(thread.id, reply.shell(`touch ${at(decision)}`), reply.text("Done."));
    await thread.run("Touch it");
    expect(asked).toEqual(["command"]);
    expect(existsSync(at(decision))).toBe(runs);
  });

  test("a command that nobody answers for does not run", async () => {
    const client = await server.connect();
    const thread = await client.startThread({ cwd: stage.project, approvalPolicy: "untrusted" });
    stage.model.enqueueFor(thread.id, reply.shell(`touch ${at("nobody")}`), reply.text("Done."));
    await thread.run("Touch it");
    expect(existsSync(at("nobody"))).toBe(false);
  });

  // As base64, 13 MiB make 17 MiB, which is more than fits into one frame; 30 MiB make 40 MiB.
  test.each([13, 30])("%i MiB pass in both directions", async (size) => {
    // With so little patience, a ping goes out wherever there is a pause, in between fragments too.
    const client = await server.connect({ pingIntervalMs: 1 });
    const bytes = Buffer.alloc(size * MiB);
    for (let index = 0; index < bytes.length; index += 4_099) bytes[index] = index % 256;
    await client.files.write(at(`${size}`), bytes);
    expect((await stat(at(`${size}`))).size).toBe(bytes.length);
    expect(bytes.equals(await client.files.read(at(`${size}`)))).toBe(true);
  });

  test("a host that is busy while a large answer comes gets all of it, and is told", async () => {
    const warnings: string[] = [];
    const logger = { warn: (message: string) => warnings.push(message) };
    const client = await server.connect({ pingIntervalMs: 1, logger });
    const bytes = Buffer.alloc(13 * MiB, "codex");
    await client.files.write(at("large answer"), bytes);
    const answer = client.files.read(at("large answer"));
    await nextRound();
    doNothingFor(2_500);
    expect(bytes.equals(await answer)).toBe(true);
    while (warnings.length === 0) await nextRound();
    expect(warnings).toEqual([expect.stringMatching(/^This process was busy, .* for \d+ ms/)]);
  });

  test("what is more than the server takes is refused before it is sent", async () => {
    const client = await server.connect();
    const error = await rejection(client.files.write(at("large"), new Uint8Array(49 * MiB)));
    expect(error).toMatchObject({ code: "MESSAGE_TOO_LARGE" });
    expect(existsSync(at("large"))).toBe(false);
    // And the connection lives on.
    await expect(client.files.write(at("small"), "small")).resolves.toBeUndefined();
  });

  test("just under that limit is taken", async () => {
    const client = await server.connect();
    const fits = Math.floor(((64 * MiB - 8_192) / 4) * 3);
    await client.files.write(at("fits"), new Uint8Array(fits));
    expect((await stat(at("fits"))).size).toBe(fits);
  });

  test("two clients share the server, and closing one leaves it and the other alone", async () => {
    const [first, second] = await Promise.all([server.connect(), server.connect()]);
    await first.close();
    await expect(first.closed).resolves.toMatchObject({ kind: "closed", exitCode: null });
    await expect(rejection(first.request("config/read", {}))).resolves.toMatchObject({
      code: "TRANSPORT_CLOSED",
    });
    const thread = await second.startThread({ cwd: stage.project });
    stage.model.enqueueFor(thread.id, reply.text("Still here."));
    await expect(thread.run("Hello?")).resolves.toMatchObject({ finalResponse: "Still here." });
  });

  test("closing does not take half a minute, although the server never says goodbye", async () => {
    const client = await server.connect();
    const begin = performance.now();
    await client.close();
    expect(performance.now() - begin).toBeLessThan(10_000);
  });

  test("a server that answers pings is not lost in silence", async () => {
    const client = await server.connect({ pingIntervalMs: 10, pongTimeoutMs: 20_000 });
    let over = false;
    void client.closed.then(() => (over = true));
    await expect(client.exec(["sleep", "0.5"]).exit).resolves.toMatchObject({ exitCode: 0 });
    expect(over).toBe(false);
  });
});
