import { createServer, connect, type AddressInfo, type Server, type Socket } from "node:net";
import { freePort } from "./free-port.js";

/** A way to a server on the loopback that can be shut and opened again; its address stays. */
export class Gateway implements AsyncDisposable {
  readonly port: number;
  /** Where it leads to; to be set before the first connection. */
  target = 0;
  readonly #sockets = new Set<Socket>();
  #server: Server;

  static async open(): Promise<Gateway> {
    const server = createServer();
    await listen(server, await freePort());
    return new Gateway(server);
  }

  private constructor(server: Server) {
    this.port = (server.address() as AddressInfo).port;
    this.#server = server;
    this.#serve(server);
  }

  /** From now on nobody gets through, and whoever is through is cut off. */
  async shut(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  async reopen(): Promise<void> {
    this.#server = createServer();
    this.#serve(this.#server);
    await listen(this.#server, this.port);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server.listening) await this.shut();
  }

  #serve(server: Server): void {
    server.on("connection", (near) => {
      const far = connect(this.target, "127.0.0.1");
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        this.#sockets.add(from);
        from.on("error", () => to.destroy());
        from.on("close", () => {
          this.#sockets.delete(from);
          to.destroy();
        });
        from.pipe(to);
      }
    });
  }
}

async function listen(server: Server, port: number): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
}
