import { describe, expect, test } from "@jest/globals";
import { spawn, type ChildProcessByStdio } from "node:child_process";
import { getEventListeners } from "node:events";
import { Readable, Writable } from "node:stream";
import { AppServerClient } from "../../lib/client.js";
import { TransportClosedError } from "../../lib/errors/connection-errors.js";
import type { AppServerClientOptions } from "../../lib/options/options.js";
import type { StreamPair } from "../../lib/transport/stream-transport.js";
import { untilGone } from "../support/processes.js";
import { ScriptedServer, startScripted, type Step } from "../support/scripted-server.js";
import { errorOf } from "./error-of.js";

/** What the process noticed of its end, in order. */
async function lastSteps(server: ScriptedServer): Promise<string[]> {
  const log = await server.log();
  return log.flatMap(({ eof, signal }) => (eof ? "EOF" : (signal ?? [])));
}

describe("close()", () => {
  test("ends a polite process by ending its input", async () => {
    await using running = await startScripted();
    const { client, server } = running;
    await client.close();
    expect(await client.closed).toEqual({
      kind: "closed",
      exitCode: 0,
      signal: null,
      stderrTail: "",
    });
    expect(await lastSteps(server)).toEqual(["EOF"]);
    expect(await server.alive()).toEqual([]);
  });

  test("asks a process that does not mind its input's end", async () => {
    await using running = await startScripted({ survives: ["EOF"] });
    const { client, server } = running;
    await client.close();
    expect(await client.closed).toMatchObject({ kind: "closed", exitCode: 0, signal: null });
    expect(await lastSteps(server)).toEqual(["EOF", "SIGTERM"]);
    expect(await server.alive()).toEqual([]);
  });

  test("kills a process that minds nothing", async () => {
    await using running = await startScripted({ survives: ["EOF", "SIGTERM"] });
    const { client, server } = running;
    await client.close();
    expect(await client.closed).toMatchObject({
      kind: "closed",
      exitCode: null,
      signal: "SIGKILL",
    });
    expect(await lastSteps(server)).toEqual(["EOF", "SIGTERM"]);
    expect(await server.alive()).toEqual([]);
  });

  test("kills what stands behind a process that had to be ended by force", async () => {
    let stderr = "";
    const controller = new AbortController();
    const enough = new Error("enough");
    const options: AppServerClientOptions = {
      // A shell ends by the SIGTERM, and the program that it waits for does not.
      launch: { command: "sh", args: ["-c", "sleep 600 & echo $! >&2; wait"] },
      signal: controller.signal,
      onStderr: (text) => {
        stderr += text;
        controller.abort(enough);
      },
    };
    expect(await errorOf(AppServerClient.start(options))).toBe(enough);
    await untilGone(Number(stderr));
  });

  test("ends a process that does not even read", async () => {
    await using running = await startScripted({
      on: { "config/read": [{ stopReading: true }, { respond: {} }] },
    });
    const { client, server } = running;
    await client.request("config/read", {});
    const name = "x".repeat(5_000_000);
    const stuck = errorOf(client.request("thread/name/set", { threadId: "thread-1", name }));
    await client.close();
    expect(await stuck).toBeInstanceOf(TransportClosedError);
    expect(await client.closed).toMatchObject({ kind: "closed", exitCode: 0 });
    expect(await server.alive()).toEqual([]);
  });

  test("is one promise, however often and whenever it is called", async () => {
    await using running = await startScripted();
    const { client } = running;
    const closing = client.close();
    expect(client.close()).toBe(closing);
    await closing;
    expect(client.close()).toBe(closing);
    expect(client[Symbol.asyncDispose]()).toBe(closing);
  });

  test("rejects what is pending, and every later call at once", async () => {
    await using running = await startScripted({ on: { "config/read": [] } });
    const { client, server } = running;
    const pending = [client.request("config/read", {}), client.request("config/read", {})];
    const errors = Promise.all(pending.map(errorOf));
    let closed = false;
    const closing = client.close().then(() => (closed = true));

    const meanwhile = await errorOf(client.request("account/read", {}));
    expect(meanwhile).toBeInstanceOf(TransportClosedError);
    expect(meanwhile.message).toBe(
      "The connection is closed: account/read was not sent. Start another client.",
    );
    expect(await errorOf(client.notify("initialized"))).toBeInstanceOf(TransportClosedError);
    expect(closed).toBe(false);

    await closing;
    const [first, second] = await errors;
    expect(first).toBeInstanceOf(TransportClosedError);
    expect(first).toMatchObject({ method: "config/read", exitCode: 0 });
    expect(second).toBeInstanceOf(TransportClosedError);
    expect(second).not.toBe(first);
    const later = await errorOf(client.request("account/read", {}));
    expect(later).toMatchObject({ code: "TRANSPORT_CLOSED", exitCode: 0 });
    expect(await server.received("account/read")).toEqual([]);
  });

  test("lets the process say its last words", async () => {
    const words: Step = { notify: "warning", params: { threadId: null, message: "good bye" } };
    await using running = await startScripted({
      start: [{ waitForEof: true }, words, { stderr: "done" }, { exit: 4 }],
      survives: ["EOF"],
    });
    const { client } = running;
    const seen: string[] = [];
    client.on("warning", ({ params }) => seen.push(params.message));
    await client.close();
    expect(seen).toEqual(["good bye"]);
    expect(await client.closed).toMatchObject({ kind: "closed", exitCode: 4, stderrTail: "done" });
  });

  const kinds: [string, (child: ChildProcessByStdio<Writable, Readable, null>) => StreamPair][] = [
    ["Node's", ({ stdout, stdin }) => ({ readable: stdout, writable: stdin })],
    [
      "the web's",
      ({ stdout, stdin }) => ({
        readable: Readable.toWeb(stdout),
        writable: Writable.toWeb(stdin),
      }),
    ],
  ];

  test.each(kinds)(
    "lets a process say them over streams of the caller, %s",
    async (_, streamsOf) => {
      const words: Step = { notify: "warning", params: { threadId: null, message: "good bye" } };
      await using server = await ScriptedServer.create({
        start: [
          { waitForEof: true },
          words,
          { respond: { config: {} }, to: "config/read" },
          { exit: 0 },
        ],
        on: { "config/read": [] },
        survives: ["EOF"],
      });
      const { command, args } = server.launch;
      const child = spawn(command, args, { stdio: ["pipe", "pipe", "ignore"] });
      const client = await AppServerClient.connect({ transport: streamsOf(child) });
      const seen: string[] = [];
      client.on("warning", ({ params }) => seen.push(params.message));
      const answer = client.request("config/read", {});
      await client.close();
      expect(seen).toEqual(["good bye"]);
      expect(await answer).toEqual({ config: {} });
    },
  );

  test("after a crash changes nothing", async () => {
    await using running = await startScripted({ on: { "config/read": [{ exit: 9 }] } });
    const { client } = running;
    await errorOf(client.request("config/read", {}));
    const reason = await client.closed;
    await client.close();
    expect(await client.closed).toBe(reason);
    expect(reason).toMatchObject({ kind: "exited", exitCode: 9 });
    expect(await errorOf(client.request("account/read", {}))).toMatchObject({ exitCode: 9 });
  });

  test("may be called from a listener", async () => {
    const warning: Step = { notify: "warning", params: { threadId: null, message: "close now" } };
    await using running = await startScripted({ on: { "config/read": [warning] } });
    const { client } = running;
    let closing: Promise<void> | undefined;
    client.on("warning", () => {
      closing = client.close();
    });
    expect(await errorOf(client.request("config/read", {}))).toBeInstanceOf(TransportClosedError);
    await closing;
    expect(await client.closed).toMatchObject({ kind: "closed" });
  });

  test("happens at the end of the block that uses the client", async () => {
    await using running = await startScripted();
    const { server } = running;
    {
      await using client = await server.start();
      expect(client.serverInfo.platformOs).toBe("linux");
    }
    expect(await server.alive()).toEqual([(await server.pids())[0]]);
  });

  test("aborts the client's own signal", async () => {
    await using running = await startScripted();
    const { client } = running;
    expect(client.signal.aborted).toBe(false);
    await client.close();
    expect(client.signal.aborted).toBe(true);
    expect(client.signal.reason).toBeInstanceOf(TransportClosedError);
  });
});

describe("the signal given to start()", () => {
  test("closes the running client when it aborts", async () => {
    const controller = new AbortController();
    await using running = await startScripted(
      { on: { "config/read": [] } },
      { signal: controller.signal },
    );
    const { client, server } = running;
    const pending = errorOf(client.request("config/read", {}));
    expect(getEventListeners(controller.signal, "abort")).toHaveLength(1);
    controller.abort();
    expect(await client.closed).toMatchObject({ kind: "closed", exitCode: 0 });
    expect(await pending).toBeInstanceOf(TransportClosedError);
    expect(await server.alive()).toEqual([]);
    expect(getEventListeners(controller.signal, "abort")).toEqual([]);
  });

  test.each<[string, Step]>([
    ["is closed", { respond: {} }],
    ["has crashed", { exit: 1 }],
  ])("is let go when the client %s", async (_, step) => {
    const { signal } = new AbortController();
    await using running = await startScripted({ on: { "config/read": [step] } }, { signal });
    const { client } = running;
    await client.request("config/read", {}).catch(() => undefined);
    await client.close();
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });
});
