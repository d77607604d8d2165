import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { WebSocketServer, type ServerOptions, type WebSocket } from "ws";

/** A WebSocket server on the loopback that does what a test wants; it knows nothing of the protocol. */
export interface SocketServer extends AsyncDisposable {
  readonly url: string;
  /** The upgrade requests so far. */
  readonly requests: readonly IncomingMessage[];
  /** The next connection that no other call of this function has returned. */
  accepted(): Promise<Accepted>;
  /** Sends these with each answer to a handshake. */
  answerHeaders(headers: Readonly<Record<string, string>>): void;
  /** The frames that come from now on, as they stand on the wire. */
  frames(socket: Socket): Frame[];
}

/** The beginning of a frame. */
export interface Frame {
  readonly opcode: number;
  readonly length: number;
}

export interface Accepted {
  readonly peer: WebSocket;
  readonly socket: Socket;
}

/** On a free port, unless the options give the path of a unix socket. */
export async function startSocketServer({
  socketPath,
  ...options
}: ServerOptions & { socketPath?: string } = {}): Promise<SocketServer> {
  const server = createServer();
  const requests: IncomingMessage[] = [];
  const connections: Accepted[] = [];
  const waiting: ((accepted: Accepted) => void)[] = [];
  const sockets = new WebSocketServer({ server, maxPayload: 0, ...options });
  sockets.on("connection", (peer, request) => {
    peer.on("error", () => undefined);
    requests.push(request);
    const accepted = { peer, socket: request.socket };
    const wanting = waiting.shift();
    if (wanting) wanting(accepted);
    else connections.push(accepted);
  });
  const port = await listen(server, socketPath);
  return {
    url: socketPath === undefined ? `ws://127.0.0.1:${port}` : `unix://${socketPath}`,
    requests,
    accepted: () => {
      const accepted = connections.shift();
      if (accepted) return Promise.resolve(accepted);
      return new Promise((resolve) => waiting.push(resolve));
    },
    answerHeaders: (headers) => {
      sockets.on("headers", (lines) => {
        for (const [name, value] of Object.entries(headers)) lines.push(`${name}: ${value}`);
      });
    },
    frames: (socket) => {
      const frames: Frame[] = [];
      let rest: Buffer = Buffer.alloc(0);
      socket.on("data", (chunk: Buffer) => {
        rest = Buffer.concat([rest, chunk]);
        for (let frame = readFrame(rest); frame; frame = readFrame(rest)) {
          frames.push(frame);
          rest = rest.subarray(frame.size);
        }
      });
      return frames;
    },
    [Symbol.asyncDispose]: async () => {
      for (const peer of sockets.clients) peer.terminate();
      sockets.close();
      await close(server);
    },
  };
}

/** A plain HTTP server on the loopback. */
export async function startHttpServer(
  listener: RequestListener,
): Promise<AsyncDisposable & { readonly url: string; readonly server: Server }> {
  const server = createServer(listener);
  const port = await listen(server);
  return {
    url: `ws://127.0.0.1:${port}`,
    server,
    [Symbol.asyncDispose]: () => close(server),
  };
}

async function listen(server: Server, socketPath?: string): Promise<number> {
  if (socketPath === undefined) server.listen(0, "127.0.0.1");
  else server.listen(socketPath);
  await once(server, "listening");
  return socketPath === undefined ? (server.address() as AddressInfo).port : 0;
}

async function close(server: Server): Promise<void> {
  const closed = once(server, "close");
  server.close();
  server.closeAllConnections();
  await closed;
}

/** The first frame, when all of it is there; a client's is masked. */
function readFrame(bytes: Buffer): (Frame & { readonly size: number }) | undefined {
  if (bytes.length < 2) return undefined;
  const short = bytes.readUInt8(1) & 0x7f;
  const lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
  const headBytes = 2 + lengthBytes + 4;
  if (bytes.length < headBytes) return undefined;
  const length =
    short === 127
      ? Number(bytes.readBigUInt64BE(2))
      : short === 126
        ? bytes.readUInt16BE(2)
        : short;
  const size = headBytes + length;
  return bytes.length < size ? undefined : { opcode: bytes.readUInt8(0) & 0x0f, length, size };
}
