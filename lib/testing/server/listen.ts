import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { loadWs, type WebSocketServerClass } from "../../transport/load-ws.js";
import type { MessageServer } from "./message-server.js";
import { noHolder, type Outlet } from "./outlet.js";

export interface ListenOptions {
  /** Port at 127.0.0.1 (default 0, any that is free). */
  readonly port?: number | undefined;
  /** Absolute path of a unix socket, in place of a port. */
  readonly path?: string | undefined;
}

/** A socket on which a server takes connections. */
export interface Listener {
  /** `"ws://127.0.0.1:40123"` or `"unix:///path"`, for `AppServerClient.connect()`. */
  readonly url: string;
  /** Cuts all connections and frees the address. */
  close(): Promise<void>;
}

type SocketServer = InstanceType<WebSocketServerClass>;
type Socket = SocketServer["clients"] extends Set<infer Client> ? Client : never;

/**
 * Takes WebSocket connections.
 *
 * @throws MissingDependencyError when the package `ws` is not installed.
 */
export async function listen(
  server: MessageServer,
  { port = 0, path }: ListenOptions = {},
): Promise<Listener> {
  const address = path === undefined ? "ws://127.0.0.1" : `unix://${path}`;
  const SocketServer = await loadWs("WebSocketServer", address);
  const http = createServer();
  const sockets = new SocketServer({ server: http, maxPayload: 0 });
  sockets.on("connection", (socket) => {
    serve(server, socket);
  });
  await new Promise<void>((resolve, reject) => {
    http.once("error", reject);
    if (path === undefined) http.listen(port, "127.0.0.1", resolve);
    else http.listen(path, resolve);
  });
  const url = path === undefined ? `${address}:${(http.address() as AddressInfo).port}` : address;
  return { url, close: () => close(http, sockets) };
}

function serve(server: MessageServer, socket: Socket): void {
  const connection = server.connect(new SocketOutlet(socket));
  socket.on("error", () => undefined);
  socket.on("message", (data: Buffer) => {
    connection.read(Buffer.concat([data, newline]));
  });
  socket.on("close", () => {
    connection.end();
    connection.over();
  });
}

const newline = Buffer.from("\n");

class SocketOutlet implements Outlet {
  readonly isProcess = false;
  readonly #socket: Socket;
  #rest = "";

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  /** What are lines elsewhere are messages here. */
  async write(bytes: string | Buffer): Promise<void> {
    const lines = (this.#rest + bytes.toString()).split("\n");
    this.#rest = lines.pop() ?? "";
    const sent = lines.map(
      (line) =>
        new Promise<void>((resolve) => {
          this.#socket.send(line, () => {
            resolve();
          });
        }),
    );
    await Promise.all(sent);
  }

  /** Nobody hears what it says there. */
  stderr(): void {}

  exit(): void {
    this.#socket.terminate();
  }

  kill(): void {
    this.#socket.terminate();
  }

  close(): void {
    this.#socket.close();
  }

  stopReading(): void {
    this.#socket.pause();
  }

  spawnHolder(): never {
    return noHolder();
  }
}

async function close(http: Server, sockets: SocketServer): Promise<void> {
  for (const socket of sockets.clients) socket.terminate();
  sockets.close();
  const closed = new Promise((resolve) => http.once("close", resolve));
  http.close();
  http.closeAllConnections();
  await closed;
}
