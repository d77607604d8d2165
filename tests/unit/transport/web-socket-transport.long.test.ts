import { once } from "node:events";
import { symlink } from "node:fs/promises";
import path from "node:path";
import { text } from "node:stream/consumers";
import { describe, expect, jest, test } from "@jest/globals";
import { WebSocket, type RawData } from "ws";
import type { SocketSettings } from "../../../lib/transport/socket-options.js";
import { openSocketTransport } from "../../../lib/transport/socket-transport.js";
import type { Transport } from "../../../lib/transport/transport.js";
import {
  startSocketServer,
  type Accepted,
  type SocketServer,
} from "../../support/socket-server.js";
import { makeTempDir } from "../../support/temp-dir.js";

const MiB = 1024 * 1024;

interface Pair extends Accepted {
  readonly server: SocketServer;
  readonly transport: Transport;
  [Symbol.asyncDispose](): Promise<void>;
}

async function pair(
  settings: SocketSettings = {},
  { autoPong = true, headers = {} } = {},
): Promise<Pair> {
  const server = await startSocketServer({ autoPong });
  server.answerHeaders(headers);
  const [transport, accepted] = await Promise.all([
    openSocketTransport(server.url, settings),
    server.accepted(),
  ]);
  return {
    ...accepted,
    server,
    transport,
    [Symbol.asyncDispose]: async () => {
      await transport.close();
      await server[Symbol.asyncDispose]();
    },
  };
}

/** Writes lines; resolves when the last one is written. */
function write(transport: Transport, ...lines: readonly string[]): Promise<void> {
  const written = lines.map(
    (line) =>
      new Promise<void>((resolve, reject) => {
        transport.output.write(`${line}\n`, (error) => {
          if (error) reject(error);
          else resolve();
        });
      }),
  );
  return Promise.all(written).then(() => undefined);
}

/** Sends a message so often; resolves when the system has taken all of it. */
async function send({ peer }: Accepted, message: string, times: number): Promise<void> {
  const sent = Array.from(
    { length: times },
    () =>
      new Promise((resolve) => {
        peer.send(message, resolve);
      }),
  );
  await Promise.all(sent);
}

async function nextMessage({ peer }: Accepted): Promise<{ data: string; isBinary: boolean }> {
  const [data, isBinary] = (await once(peer, "message")) as [RawData, boolean];
  return { data: (data as Buffer).toString(), isBinary };
}

/** The chunks read until they hold so many lines. */
async function chunksOf(transport: Transport, lines: number): Promise<string[]> {
  const chunks: string[] = [];
  for await (const [chunk] of on(transport, lines)) chunks.push(chunk);
  return chunks;
}

async function* on(transport: Transport, lines: number): AsyncGenerator<[string]> {
  let seen = 0;
  while (seen < lines) {
    const [chunk] = (await once(transport.input, "data")) as [Buffer];
    seen += chunk.toString().split("\n").length - 1;
    yield [chunk.toString()];
  }
}

describe("the handshake", () => {
  test("carries the token and nothing that an app-server refuses", async () => {
    await using both = await pair({ token: "abc.def", headers: { "X-Proxy": "yes" } });
    const { headers } = both.server.requests[0] ?? {};
    expect(headers).toMatchObject({ authorization: "Bearer abc.def", "x-proxy": "yes" });
    expect(Object.keys(headers ?? {}).sort()).toEqual([
      "authorization",
      "connection",
      "host",
      "sec-websocket-key",
      "sec-websocket-version",
      "upgrade",
      "x-proxy",
    ]);
  });

  test("asks the token function each time", async () => {
    const tokens = ["first", "second"];
    const token = () => Promise.resolve(tokens.shift() ?? "");
    await using server = await startSocketServer();
    for (const expected of ["first", "second"]) {
      const transport = await openSocketTransport(server.url, { token });
      expect(server.requests.at(-1)?.headers.authorization).toBe(`Bearer ${expected}`);
      await transport.close();
    }
  });

  test("does not take place when the token function throws, or returns no token", async () => {
    await using server = await startSocketServer();
    const mine = new Error("the vault is closed");
    const throws = () => {
      throw mine;
    };
    await expect(openSocketTransport(server.url, { token: throws })).rejects.toBe(mine);
    const token = () => "";
    await expect(openSocketTransport(server.url, { token })).rejects.toMatchObject({
      code: "INVALID_ARGUMENT",
      argument: "token",
    });
    expect(server.requests).toEqual([]);
  });
});

test("a unix socket may be reached by any path, by a link that is too long for a socket too", async () => {
  await using directory = await makeTempDir();
  const socketPath = path.join(directory.path, "a b:c?d#e%20.sock");
  await using server = await startSocketServer({ socketPath });
  const link = path.join(directory.path, "x".repeat(200));
  await symlink(socketPath, link);
  for (const url of [server.url, `unix://${link}`]) {
    const transport = await openSocketTransport(url);
    await transport.close();
  }
  expect(server.requests.map((request) => request.url)).toEqual(["/", "/"]);
});

describe("messages to the server", () => {
  test("each line is one text message, without its end", async () => {
    await using both = await pair();
    const messages: string[] = [];
    both.peer.on("message", (data, isBinary) => {
      messages.push(`${isBinary ? "binary" : "text"} ${(data as Buffer).toString()}`);
    });
    await write(both.transport, '{"a":1}', '{"b":"ü\u2028"}', "{}");
    await both.transport.close();
    expect(messages).toEqual(['text {"a":1}', 'text {"b":"ü\u2028"}', "text {}"]);
  });

  test("a long one goes in fragments, none of them longer than the server takes", async () => {
    const limit = 70_000;
    const headers = { "x-codex-websocket-max-unfragmented-message-bytes": `${limit}` };
    await using both = await pair({}, { headers });
    const sent = `"${"ä€😀".repeat(30_000)}"`;
    const frames = both.server.frames(both.socket);
    const [{ data, isBinary }] = await Promise.all([
      nextMessage(both),
      write(both.transport, sent),
    ]);
    expect(isBinary).toBe(false);
    expect(data === sent).toBe(true);
    expect(frames.map(({ length }) => length)).toEqual([limit, limit, limit, limit - 9_998]);
    expect(frames.map(({ opcode }) => opcode)).toEqual([1, 0, 0, 0]);
  });

  test("a ping gets through between the fragments of a long one", async () => {
    await using both = await pair({ pingIntervalMs: 100, pongTimeoutMs: 60_000 });
    const order: string[] = [];
    both.peer.on("ping", () => order.push("ping")).on("message", () => order.push("message"));
    // Nothing is read, so the message cannot go out at once.
    both.socket.pause();
    const message = nextMessage(both);
    const written = write(both.transport, "x".repeat(40 * MiB));
    const pinged = jest.spyOn(WebSocket.prototype, "ping");
    while (pinged.mock.calls.length === 0) await new Promise(setImmediate);
    pinged.mockRestore();
    both.socket.resume();
    await Promise.all([written, message]);
    expect((await message).data.length).toBe(40 * MiB);
    expect(order[0]).toBe("ping");
    expect(order).toContain("message");
  });

  test("one that the server would not take is not sent", async () => {
    await using both = await pair();
    await expect(write(both.transport, "x".repeat(64 * MiB + 1))).rejects.toMatchObject({
      code: "MESSAGE_TOO_LARGE",
      limitBytes: 64 * MiB,
    });
  });
});

describe("messages from the server", () => {
  test("become lines, those of one read in one chunk", async () => {
    await using both = await pair();
    const chunks = chunksOf(both.transport, 3);
    both.socket.cork();
    for (const message of ["{}", '{"a":"\u2029"}', '{"b":"ü"}']) both.peer.send(message);
    both.socket.uncork();
    await expect(chunks).resolves.toEqual(['{}\n{"a":"\u2029"}\n{"b":"ü"}\n']);
  });

  test("one that is spread over lines becomes one line", async () => {
    await using both = await pair();
    const chunks = chunksOf(both.transport, 1);
    both.peer.send('{\n  "a": [\n    1\n  ]\n}\n');
    await expect(chunks).resolves.toEqual(['{   "a": [     1   ] } \n']);
  });

  test("one that comes together with the answer to the handshake is not lost", async () => {
    await using server = await startSocketServer();
    const greeted = server.accepted().then(({ peer }) => {
      peer.send('{"early":true}');
    });
    const transport = await openSocketTransport(server.url);
    await greeted;
    await expect(chunksOf(transport, 1)).resolves.toEqual(['{"early":true}\n']);
    await transport.close();
  });

  test("a binary one is skipped, and told to the logger", async () => {
    const warnings: string[] = [];
    const logger = { warn: (message: string) => warnings.push(message) };
    await using both = await pair({ logger });
    const chunks = chunksOf(both.transport, 1);
    both.peer.send(Buffer.from("{}"));
    both.peer.send('{"next":1}');
    await expect(chunks).resolves.toEqual(['{"next":1}\n']);
    expect(warnings).toEqual(["A message from the server was skipped: it is binary."]);
  });

  test("one that is too long ends the connection, after what came before it", async () => {
    await using both = await pair({ maxMessageBytes: 65_536 });
    both.peer.send("{}");
    both.peer.send("x".repeat(65_537));
    await expect(text(both.transport.input)).resolves.toBe("{}\n");
    await expect(both.transport.ended).resolves.toMatchObject({
      error: { code: "MESSAGE_TOO_LARGE", limitBytes: 65_536 },
    });
  });

  test("what is no WebSocket ends the connection", async () => {
    await using both = await pair();
    both.socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff]));
    await expect(both.transport.ended).resolves.toMatchObject({
      error: { code: "PROTOCOL_ERROR" },
    });
  });

  test("a slow reader holds up nobody at first: 16 MiB are taken in at once", async () => {
    await using both = await pair();
    const message = `"${"x".repeat(MiB)}"`;
    // Nobody reads the input yet; a server that could not get rid of this would cut the connection.
    await send(both, message, 16);
    both.peer.close();
    expect((await text(both.transport.input)).length).toBe(16 * (message.length + 1));
  });

  test("beyond that the server has to wait, and nothing is lost", async () => {
    await using both = await pair({ pingIntervalMs: 10, pongTimeoutMs: 10 });
    const paused = jest.spyOn(WebSocket.prototype, "pause");
    const message = `"${"x".repeat(MiB)}"`;
    const sent = send(both, message, 64);
    while (paused.mock.calls.length === 0) await new Promise(setImmediate);
    paused.mockRestore();
    // What the system takes for both sides comes on top.
    while (both.socket.writableLength === 0) await new Promise(setImmediate);
    // While nothing is read here on purpose, no answer to a ping is missed.
    const pinged = jest.spyOn(WebSocket.prototype, "ping");
    const timers = jest.spyOn(globalThis, "setTimeout");
    const watched = () => timers.mock.calls.filter(([, ms]) => ms === 10).length;
    while (watched() < 5) await new Promise(setImmediate);
    timers.mockRestore();
    expect(pinged.mock.calls).toEqual([]);
    pinged.mockRestore();
    expect(both.transport.input.readableLength).toBeLessThan(20 * MiB);
    const read = text(both.transport.input);
    await sent;
    both.peer.close();
    expect((await read).length).toBe(64 * (message.length + 1));
  });
});

describe("the end", () => {
  test("a connection that is cut has failed, and everything before it is read", async () => {
    await using both = await pair();
    both.peer.send('{"last":1}', () => {
      both.peer.terminate();
    });
    await expect(text(both.transport.input)).resolves.toBe('{"last":1}\n');
    const { error, ...rest } = await both.transport.ended;
    expect(rest).toEqual({ exitCode: null, signal: null });
    expect(error?.message).toMatch(/^the server ended the connection, or it was cut/);
  });

  test("the code of a proxy that closes it is told", async () => {
    await using both = await pair();
    both.peer.close(1012, "restarting");
    const { error } = await both.transport.ended;
    expect(error?.message).toMatch(
      /^the server ended the connection with code 1012, or it was cut/,
    );
  });

  test("a reset is told", async () => {
    await using both = await pair();
    both.socket.resetAndDestroy();
    const { error } = await both.transport.ended;
    expect(error?.message).toBe("the socket failed: ECONNRESET");
  });

  test("what is written afterwards is refused, and ends nobody", async () => {
    await using both = await pair();
    both.peer.terminate();
    await both.transport.ended;
    await expect(write(both.transport, "{}")).rejects.toThrow();
  });

  test("close() sends everything first, then says goodbye, and is no failure", async () => {
    await using both = await pair();
    const received: number[] = [];
    both.peer.on("message", (data) => received.push((data as Buffer).length));
    const closed = once(both.peer, "close");
    const writes = write(both.transport, ...Array.from({ length: 8 }, () => "x".repeat(MiB)));
    await both.transport.close();
    await writes;
    const [code] = (await closed) as [number];
    expect(code).toBe(1000);
    expect(received).toEqual(Array.from({ length: 8 }, () => MiB));
    await expect(both.transport.ended).resolves.toMatchObject({ error: undefined });
  });

  test.each(["ws", "unix"])(
    "close() reads the last words that follow our goodbye, over %s",
    async (kind) => {
      await using directory = await makeTempDir();
      const socketPath = kind === "unix" ? path.join(directory.path, "socket") : undefined;
      await using server = await startSocketServer({ ...(socketPath && { socketPath }) });
      const [transport, { peer }] = await Promise.all([
        openSocketTransport(server.url),
        server.accepted(),
      ]);
      // As an app-server does, this one does not answer a Close frame.
      jest.spyOn(peer, "close").mockImplementation(() => {
        peer.send('{"last":1}');
        setTimeout(() => {
          peer.send('{"last":2}', () => {
            peer.terminate();
          });
        }, 20);
      });
      const read = text(transport.input);
      await transport.close();
      expect(await read).toBe('{"last":1}\n{"last":2}\n');
    },
  );

  test("close() does not wait long for a server that has stopped reading", async () => {
    await using both = await pair();
    both.socket.pause();
    const outcome = write(both.transport, "x".repeat(60 * MiB)).then(
      () => "written",
      () => "not written",
    );
    const begin = performance.now();
    const closing = both.transport.close();
    expect(both.transport.close()).toBe(closing);
    await closing;
    expect(performance.now() - begin).toBeLessThan(10_000);
    await expect(outcome).resolves.toBe("not written");
  });
});

describe("a server that falls silent", () => {
  test("counts as lost when it does not answer a ping", async () => {
    await using both = await pair({ pingIntervalMs: 10, pongTimeoutMs: 10 }, { autoPong: false });
    const { error } = await both.transport.ended;
    expect(error?.message).toBe("the server did not answer a ping for 10 ms");
  });

  test("counts as lost as well while something is sent to it all the time", async () => {
    await using both = await pair({ pingIntervalMs: 10, pongTimeoutMs: 10 }, { autoPong: false });
    while (both.transport.output.writable) {
      // The last one may come too late.
      await write(both.transport, "{}").catch(() => undefined);
      await new Promise(setImmediate);
    }
    const { error } = await both.transport.ended;
    expect(error?.message).toBe("the server did not answer a ping for 10 ms");
  });

  test("counts as lost as well when a long message to it does not get on", async () => {
    await using both = await pair({ pingIntervalMs: 10, pongTimeoutMs: 10 }, { autoPong: false });
    both.socket.pause();
    await expect(write(both.transport, "x".repeat(40 * MiB))).rejects.toThrow();
    const { error } = await both.transport.ended;
    expect(error?.message).toBe("the server did not answer a ping for 10 ms");
  });

  test("is not lost while a long message goes out to it, piece by piece", async () => {
    const headers = { "x-codex-websocket-max-unfragmented-message-bytes": "65536" };
    const settings = { pingIntervalMs: 10, pongTimeoutMs: 1_000 };
    await using both = await pair(settings, { autoPong: false, headers });
    const pinged = jest.spyOn(WebSocket.prototype, "ping");
    // A slow line: it takes one piece, and then nothing for a while.
    both.socket.on("data", () => {
      both.socket.pause();
      setTimeout(() => both.socket.resume(), 5);
    });
    const written = write(both.transport, "x".repeat(40 * MiB));
    while (pinged.mock.calls.length < 2 && both.transport.output.writable) {
      await new Promise(setImmediate);
    }
    pinged.mockRestore();
    both.peer.terminate();
    await expect(written).rejects.toThrow();
    const { error } = await both.transport.ended;
    // And not that a ping was not answered.
    expect(error?.message).toMatch(/the server ended the connection|ECONNRESET/);
  });

  test("is asked again and again, and is not lost while it answers", async () => {
    await using both = await pair({ pingIntervalMs: 5, pongTimeoutMs: 30_000 });
    for (let pings = 0; pings < 3; pings += 1) await once(both.peer, "ping");
    await both.transport.close();
    await expect(both.transport.ended).resolves.toMatchObject({ error: undefined });
  });

  test("is not silent while it sends anything, whatever it does with pings", async () => {
    await using both = await pair(
      { pingIntervalMs: 20, pongTimeoutMs: 30_000 },
      { autoPong: false },
    );
    for (let pings = 0; pings < 2; pings += 1) {
      await once(both.peer, "ping");
      both.peer.send("{}");
    }
    await both.transport.close();
    await expect(both.transport.ended).resolves.toMatchObject({ error: undefined });
  });

  test("is left alone with an interval of Infinity", async () => {
    await using both = await pair({ pingIntervalMs: Infinity }, { autoPong: false });
    let pinged = false;
    both.peer.on("ping", () => (pinged = true));
    both.peer.send("{}");
    await chunksOf(both.transport, 1);
    expect(pinged).toBe(false);
  });
});
