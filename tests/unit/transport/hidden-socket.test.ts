import { once } from "node:events";
import { expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import { openSocketTransport } from "../../../lib/transport/socket-transport.js";
import { startSocketServer } from "../../support/socket-server.js";

/** As the `ws` that is part of Bun: what lies below a connection cannot be seen. */
class HidingWebSocket extends WebSocket {
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    if (event !== "upgrade") return super.emit(event, ...args);
    const [{ headers }] = args as [{ headers: object }];
    return super.emit(event, { headers, socket: null });
  }
}

const load = () => Promise.resolve({ WebSocket: HidingWebSocket });

test("a connection works whose socket cannot be seen, with long messages, and ends as others do", async () => {
  await using server = await startSocketServer();
  const transport = await openSocketTransport(server.url, {}, load);
  const { peer } = await server.accepted();
  const received = once(peer, "message");
  const long = `"${"x".repeat(3 * 1024 * 1024)}"`;
  transport.output.write(`${long}\n`);
  const [data] = (await received) as [Buffer];
  expect(data.toString()).toBe(long);
  peer.send('{"from":"the server"}');
  const [line] = (await once(transport.input, "data")) as [Buffer];
  expect(line.toString()).toBe('{"from":"the server"}\n');
  peer.terminate();
  expect(await transport.ended).toMatchObject({
    error: { message: expect.stringContaining("cut") },
  });
  await transport.close();
});

test("its messages are signs of life, and silence is noticed", async () => {
  await using server = await startSocketServer({ autoPong: false });
  const times = { pingIntervalMs: 40, pongTimeoutMs: 60 };
  const transport = await openSocketTransport(server.url, times, load);
  transport.input.resume();
  const { peer } = await server.accepted();
  await once(peer, "ping");
  peer.send('{"still":"there"}');
  await once(peer, "ping");
  expect(await transport.ended).toMatchObject({
    error: { message: "the server did not answer a ping for 60 ms" },
  });
  await transport.close();
});
