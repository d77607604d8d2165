import { describe, expect, test } from "@jest/globals";
import { Codex, CodexDrainingError, InvalidArgumentError } from "../../../lib/index.js";
import { FakeAppServer } from "../../../lib/testing/index.js";
import { collect, rejection } from "../../support/collect.js";

/** A server whose next turn runs until `end()` is called, or it is interrupted. */
function holdingServer() {
  const server = new FakeAppServer();
  let end!: () => void;
  const ended = new Promise<void>((resolve) => (end = resolve));
  server.onNextTurn(async (turn) => {
    turn.unfinishedText("Half");
    await ended;
  });
  return { server, end };
}

describe("close({ drainMs })", () => {
  test("closes at once when nothing runs, or nothing has ever been started", async () => {
    const codex = new Codex({ server: new FakeAppServer() });
    const states = collect(codex.status());
    await codex.close({ drainMs: Infinity });
    expect((await states).map(({ state }) => state)).toEqual(["idle", "draining", "closed"]);

    await using server = new FakeAppServer();
    const used = new Codex({ server });
    await (await used.startThread()).run("Hi");
    await used.close({ drainMs: Infinity });
    expect(used.currentStatus).toEqual({ state: "closed" });
    expect(server.received.map(({ method }) => method)).not.toContain("turn/interrupt");
  });

  test.each([-1, NaN, "5000", null])("refuses %p", async (drainMs) => {
    await using codex = new Codex({ server: new FakeAppServer() });
    const error = await rejection(codex.close({ drainMs: drainMs as number }));
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error).toMatchObject({ argument: "drainMs" });
    expect(codex.currentStatus).toEqual({ state: "idle" });
  });

  test("refuses an option that it does not know", async () => {
    await using codex = new Codex({ server: new FakeAppServer() });
    const error = await rejection(codex.close({ drain: 5 } as object));
    expect(error).toMatchObject({ argument: "drain" });
  });

  test("called again, can only shorten the time, and all calls resolve together", async () => {
    const { server } = holdingServer();
    await using _server = server;
    const codex = new Codex({ server });
    const thread = await codex.startThread();
    const turn = thread.turn("Hi");
    await turn.started;
    const closing = [codex.close({ drainMs: Infinity }), codex.close({ drainMs: 60_000 })];
    closing.push(codex.close({ drainMs: 0 }));
    closing.push(codex.close({ drainMs: 60_000 }));
    await Promise.all(closing);
    expect(await turn.run()).toMatchObject({ status: "interrupted" });
    await expect(codex.close({ drainMs: 5 })).resolves.toBeUndefined();
  });

  test("keeps its status when the server is lost meanwhile, and closes then", async () => {
    const { server } = holdingServer();
    await using _server = server;
    const codex = new Codex({ server });
    const thread = await codex.startThread();
    const turn = thread.turn("Hi");
    await turn.started;
    const states = collect(codex.status());
    const closing = codex.close({ drainMs: Infinity });
    const lost = rejection(turn.run());
    server.crash();
    expect(await lost).toMatchObject({ code: "TRANSPORT_CLOSED" });
    await closing;
    expect((await states).map(({ state }) => state)).toEqual(["ready", "draining", "closed"]);
  });

  test("stops a turn that was begun by hand, and that a handle follows", async () => {
    const { server } = holdingServer();
    await using _server = server;
    const codex = new Codex({ server });
    const { id: threadId } = await codex.startThread();
    const client = await codex.client();
    const input = [{ type: "text" as const, text: "Hi" }];
    const { turn } = await client.request("turn/start", { threadId, input });
    const handle = codex.thread(threadId).attachTurn({ id: turn.id });
    await handle.started;
    await codex.close({ drainMs: 0 });
    expect(server.received.map(({ method }) => method)).toContain("turn/interrupt");
    expect(await handle.run()).toMatchObject({ id: turn.id, status: "interrupted" });
  });

  test("closes behind a start that fails", async () => {
    let fail!: (error: Error) => void;
    const connecting = new Promise<never>((_, reject) => (fail = reject));
    const codex = new Codex({ server: { connect: () => connecting } });
    const turn = codex.thread("thread-1").run("Hi");
    const closing = codex.close({ drainMs: Infinity });
    fail(new Error("no connection"));
    expect(await rejection(turn)).toMatchObject({ message: "no connection" });
    await closing;
    expect(codex.currentStatus).toEqual({ state: "closed" });
  });

  test("does not wait for the turns of others on a server that they share", async () => {
    await using server = new FakeAppServer();
    let end!: () => void;
    const ended = new Promise<void>((resolve) => (end = resolve));
    const url = await server.listen();
    const codex = new Codex({ url });
    const thread = await codex.startThread();
    await thread.run("Hi");
    await using other = new Codex({ url });
    await other.resumeThread(thread.id);
    const turns = thread.unsolicitedTurns();
    const coming = turns.next();
    server.onNextTurn(async (turn) => {
      turn.reply("Mine");
      await ended;
    });
    const turn = other.thread(thread.id).turn("Theirs");
    await coming;
    expect(codex.runningTurns).toEqual([]);
    expect(other.runningTurns).toHaveLength(1);
    await codex.close({ drainMs: Infinity });
    end();
    expect(await turn.run()).toMatchObject({ status: "completed" });
  });
});

test("a CodexDrainingError says what was not sent, and whom to send it to", async () => {
  const { server, end } = holdingServer();
  await using _server = server;
  const codex = new Codex({ server });
  const thread = await codex.startThread();
  const turn = thread.turn("Hi");
  await turn.started;
  const closing = codex.close({ drainMs: Infinity });
  const error = await rejection(codex.startThread());
  expect(error).toBeInstanceOf(CodexDrainingError);
  expect(error).toMatchObject({
    message:
      "thread/start was not sent: this Codex is being closed, lets its running turns end, and begins nothing " +
      "more. Send it by another Codex, of another instance of your application for example.",
    method: "thread/start",
  });
  end();
  await closing;
});
