import { once } from "node:events";
import { createConnection, createServer, type AddressInfo, type Socket } from "node:net";
import { Duplex, PassThrough, Readable, Writable } from "node:stream";
import { text } from "node:stream/consumers";
import { describe, expect, test } from "@jest/globals";
import { AppServerClient } from "../../../lib/client.js";
import { openStreamTransport, type StreamPair } from "../../../lib/transport/stream-transport.js";
import { later, LinkedServer } from "../../support/linked-server.js";
import { rejection } from "../../support/real.js";

const MiB = 1024 * 1024;

/** One that ends its output with its input, as an app-server does. */
function politeServer(): LinkedServer {
  const server = new LinkedServer();
  server.transport.output.once("end", () => {
    server.crash();
  });
  return server;
}

/** The streams of a fake server, as Node's, the web's, mixed, and as one stream. */
const kinds: [string, (server: LinkedServer) => StreamPair | Duplex][] = [
  ["Node streams", ({ transport }) => ({ readable: transport.input, writable: transport.output })],
  [
    "web streams",
    ({ transport }) => ({
      readable: Readable.toWeb(transport.input),
      writable: Writable.toWeb(transport.output),
    }),
  ],
  [
    "one of each",
    ({ transport }) => ({
      readable: Readable.toWeb(transport.input),
      writable: transport.output,
    }),
  ],
  [
    "a Duplex",
    ({ transport }) => Duplex.from({ readable: transport.input, writable: transport.output }),
  ],
];

describe.each(kinds)("over %s", (_kind, streamsOf) => {
  test("threads and turns work", async () => {
    const server = politeServer();
    await using client = await AppServerClient.connect({ transport: streamsOf(server) });
    const thread = await client.startThread();
    const turn = thread.turn("Hello?");
    const { params } = await server.nextRequest("turn/start");
    server.turn({
      threadId: String(params["threadId"]),
      turnId: "turn-1",
      text: "Größe: 5 €\u2028",
    });
    await expect(turn.run()).resolves.toMatchObject({ finalResponse: "Größe: 5 €\u2028" });
  });

  test("close() ends both directions, and says that it was closed", async () => {
    const server = politeServer();
    const streams = streamsOf(server);
    const client = await AppServerClient.connect({ transport: streams });
    await client.close();
    await expect(client.closed).resolves.toMatchObject({ kind: "closed" });
    await gone(...partsOf(streams, server));
  });

  test("close() waits for the last words: notifications, answers and the end of a turn", async () => {
    const server = new LinkedServer();
    server.handle("config/read", () => later);
    const client = await AppServerClient.connect({ transport: streamsOf(server) });
    const thread = await client.startThread();
    const ran = thread.run("Hello?");
    const { params } = await server.nextRequest("turn/start");
    const read = client.request("config/read", {});
    const request = await server.nextRequest("config/read");
    const words: string[] = [];
    client.on("warning", ({ params: { message } }) => words.push(message));
    server.transport.output.once("end", () => {
      setTimeout(() => {
        // A server that asks now gets no answer; and to try must not cost the rest.
        server.send({ id: 1, method: "currentTime/read", params: { threadId: "thread-1" } });
        server.turn({ threadId: String(params["threadId"]), turnId: "turn-1", text: "Bye." });
        server.respond(request, { config: {} });
        setTimeout(() => {
          server.notify("warning", { threadId: null, message: "the last word" });
          server.crash();
        }, 20);
      }, 20);
    });
    await client.close();
    expect(words).toEqual(["the last word"]);
    await expect(ran).resolves.toMatchObject({ finalResponse: "Bye." });
    await expect(read).resolves.toEqual({ config: {} });
    await expect(client.closed).resolves.toMatchObject({ kind: "closed" });
  });

  test("the end of what is read is the end of the server", async () => {
    const server = new LinkedServer();
    const streams = streamsOf(server);
    const client = await AppServerClient.connect({ transport: streams });
    const pending = rejection(client.request("config/read", {}));
    server.crash();
    await expect(client.closed).resolves.toMatchObject({ kind: "exited", exitCode: null });
    await expect(pending).resolves.toMatchObject({ code: "TRANSPORT_CLOSED" });
    await gone(...partsOf(streams, server));
  });
});

describe("a stream that fails", () => {
  test("ends the connection with its error, after what was read before", async () => {
    const readable = new PassThrough();
    const transport = openStreamTransport({ readable, writable: new PassThrough() });
    readable.once("data", () => readable.destroy(new Error("the cable was cut")));
    readable.write('{"last":1}\n');
    await expect(text(transport.input)).resolves.toBe('{"last":1}\n');
    await expect(transport.ended).resolves.toMatchObject({
      error: { message: "the cable was cut" },
    });
  });

  test.each(["closes", "fails"])(
    "that ends is not one that fails, though its input %s first",
    async (how) => {
      const readable = new PassThrough();
      const writable = new PassThrough();
      const { ended, input } = openStreamTransport({ readable, writable });
      const closed = new Promise((resolve) => writable.once("close", resolve));
      writable.destroy(how === "fails" ? new Error("write EPIPE") : undefined);
      await closed;
      await new Promise(setImmediate);
      readable.end("the last words\n");
      await expect(ended).resolves.toMatchObject({ error: undefined });
      expect(await text(input)).toBe("the last words\n");
      await gone(readable, writable);
    },
  );

  test("ends it too when nothing is being written", async () => {
    const writable = new PassThrough();
    const readable = new PassThrough();
    const transport = openStreamTransport({ readable, writable });
    writable.destroy(new Error("the cable was cut"));
    await expect(transport.ended).resolves.toMatchObject({
      error: { message: "the cable was cut" },
    });
    await gone(readable, writable);
  });

  test("may be closed without an end", async () => {
    const readable = new PassThrough();
    const transport = openStreamTransport({ readable, writable: new PassThrough() });
    readable.destroy();
    const { error } = await transport.ended;
    expect(error?.message).toBe("the stream was closed before its end");
  });

  test("may fail with anything, when it is the web's", async () => {
    const readable = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        controller.error("no error at all");
      },
    });
    const writable = new WritableStream<Uint8Array>();
    const { ended } = openStreamTransport({ readable, writable });
    await expect(ended).resolves.toMatchObject({
      error: { message: "the stream failed", cause: "no error at all" },
    });
  });

  test("fails the writes of a web stream, and ends nobody", async () => {
    const writable = new WritableStream<Uint8Array>({
      write: () => Promise.reject(new Error("full")),
    });
    const readable = new ReadableStream<Uint8Array>();
    const transport = openStreamTransport({ readable, writable });
    const failed = new Promise((resolve) => transport.output.write("{}\n", resolve));
    await expect(failed).resolves.toMatchObject({ message: "full" });
    await expect(transport.ended).resolves.toMatchObject({ error: { message: "full" } });
  });

  test("is not heard any more once the connection is over", async () => {
    const readable = new PassThrough();
    const writable = new PassThrough();
    const transport = openStreamTransport({ readable, writable });
    readable.end();
    await transport.close();
    readable.emit("error", new Error("late"));
    writable.emit("error", new Error("late"));
    await expect(transport.ended).resolves.toMatchObject({ error: undefined });
  });

  test("that never ends does not hold up close()", async () => {
    const stuck = () => new Promise<never>(() => undefined);
    const readable = new ReadableStream<Uint8Array>({ pull: stuck, cancel: stuck });
    const writable = new WritableStream<Uint8Array>({ write: stuck, close: stuck, abort: stuck });
    const transport = openStreamTransport({ readable, writable });
    transport.output.write("{}\n");
    await transport.close();
    await expect(transport.ended).resolves.toMatchObject({ error: undefined });
  });
});

describe("what is read", () => {
  test("may be text, and may come in pieces without bytes", async () => {
    const readable = new ReadableStream({
      start: (controller) => {
        for (const chunk of ['{"a"', "", ":1}\n"]) controller.enqueue(Buffer.from(chunk));
        controller.close();
      },
    });
    const web = openStreamTransport({ readable, writable: new PassThrough() });
    await expect(text(web.input)).resolves.toBe('{"a":1}\n');

    const decoded = Readable.from(["ü", '{"b":2}\n'], { objectMode: true });
    const node = openStreamTransport({ readable: decoded, writable: new PassThrough() });
    await expect(text(node.input)).resolves.toBe('ü{"b":2}\n');
  });

  test("is read no faster than it is worked off", async () => {
    let made = 0;
    const endless = new Readable({
      read() {
        made += 1;
        this.push(Buffer.alloc(1_024, "x"));
      },
    });
    const transport = openStreamTransport({ readable: endless, writable: new PassThrough() });
    // Nobody reads yet.
    await once(endless, "pause");
    const before = made;
    expect(before * 1_024).toBeLessThan(MiB);
    const again = once(endless, "pause");
    await once(transport.input, "readable");
    transport.input.read();
    await again;
    expect(made).toBeGreaterThan(before);
    expect(made * 1_024).toBeLessThan(MiB);
    endless.destroy();
    await transport.ended;
  });

  test.each([
    ["bytes", (text: string) => Buffer.from(text), {}],
    ["text", (text: string) => text, { objectMode: true }],
  ])(
    "is read to its end, as %s, when the stream is cut meanwhile",
    async (_what, toChunk, mode) => {
      const readable = new Readable({ ...mode, read: () => undefined });
      const transport = openStreamTransport({ readable, writable: new PassThrough() });
      const long = "x".repeat(MiB);
      readable.push(toChunk(`${long}\n`));
      await once(readable, "pause");
      for (const part of ["{", "}\n"]) readable.push(toChunk(part));
      readable.destroy();
      expect(await text(transport.input)).toBe(`${long}\n{}\n`);
    },
  );

  test("may not be anything else", async () => {
    const readable = Readable.from([{ a: 1 }]);
    const transport = openStreamTransport({ readable, writable: new PassThrough() });
    await expect(transport.ended).resolves.toMatchObject({ error: { code: "PROTOCOL_ERROR" } });
  });
});

describe("refused", () => {
  const open = () => ({ readable: new PassThrough(), writable: new PassThrough() });
  const locked = new ReadableStream();
  locked.getReader();
  const destroyed = new PassThrough().destroy();
  const cases: [string, unknown, string][] = [
    ["nothing", undefined, "transport.readable must be a readable stream"],
    ["text", "stdio", "transport.readable must be a readable stream"],
    ["one half", { readable: new PassThrough() }, "transport.writable must be a writable stream"],
    [
      "the wrong half",
      { ...open(), readable: new WritableStream() },
      "transport.readable must be a readable stream",
    ],
    ["a locked stream", { ...open(), readable: locked }, "transport.readable must not be locked"],
    [
      "a stream that is over",
      { ...open(), writable: destroyed },
      "transport.writable must be open",
    ],
    ["a Duplex that is over", destroyed, "transport.readable must be open"],
  ];

  test.each(cases)("%s", async (_what, transport, message) => {
    const error = await rejection(AppServerClient.connect({ transport } as never));
    expect(error).toMatchObject({ code: "INVALID_ARGUMENT" });
    expect(error.message).toContain(message);
  });
});

test("a socket of Node will do, and a server that hangs up when it is closed is waited for", async () => {
  let server: Socket | undefined;
  const listener = createServer({ allowHalfOpen: true }, (socket) => {
    server = socket;
    socket.resume().once("end", () => socket.end('{"goodbye":1}\n'));
  });
  listener.listen(0, "127.0.0.1");
  await once(listener, "listening");
  const socket = createConnection((listener.address() as AddressInfo).port, "127.0.0.1");
  await once(socket, "connect");
  const transport = openStreamTransport(socket);
  const read = text(transport.input);
  await transport.close();
  await expect(read).resolves.toBe('{"goodbye":1}\n');
  expect(server?.readableEnded).toBe(true);
  listener.close();
  await once(listener, "close");
});

/** What has to be gone in the end: what was handed over, or what is behind it. */
function partsOf(streams: StreamPair | Duplex, { transport }: LinkedServer) {
  return streams instanceof Duplex ? [streams] : [transport.input, transport.output];
}

async function gone(...streams: readonly (Readable | Writable)[]): Promise<void> {
  await Promise.all(
    streams.map(async (stream) => stream.destroyed || (await once(stream, "close"))),
  );
}
