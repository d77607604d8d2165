import { once } from "node:events";
import { createServer, type Server } from "node:http";
import { connect, type AddressInfo, type Socket } from "node:net";

/** An HTTP proxy on the loopback that leads wherever it is asked to (`CONNECT host:port`). */
export class ConnectProxy implements AsyncDisposable {
  /** Where it was asked to lead, in order. */
  readonly asked: string[] = [];
  readonly #server: Server = createServer();
  readonly #sockets = new Set<Socket>();

  /** `refusal`: a status line that is all it answers. */
  static async start(refusal?: string): Promise<ConnectProxy> {
    const proxy = new ConnectProxy(refusal);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  private constructor(refusal: string | undefined) {
    this.#server.on("connect", ({ url = "" }: { url?: string }, client: Socket) => {
      this.asked.push(url);
      this.#keep(client);
      if (refusal === undefined) this.#lead(client, new URL(`http://${url}`));
      else client.end(`HTTP/1.1 ${refusal}\r\nContent-Length: 0\r\n\r\n`);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Cuts every connection there is. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
    this.#server.closeAllConnections();
    await once(this.#server, "close");
  }

  #lead(client: Socket, { hostname, port }: URL): void {
    const server = connect(Number(port), hostname, () => {
      client.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      client.pipe(server).pipe(client);
    });
    this.#keep(server);
    client.on("close", () => server.destroy());
    server.on("close", () => client.destroy());
  }

  #keep(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => this.#sockets.delete(socket));
  }
}
