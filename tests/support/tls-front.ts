import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { connect, type AddressInfo, type NetConnectOpts, type Socket } from "node:net";
import path from "node:path";
import { createServer, type Server } from "node:tls";

const fixture = (name: string) =>
  readFile(path.resolve(import.meta.dirname, "../fixtures/tls", name));

/** Speaks TLS before a server that does not, as a proxy in front of an app-server does. */
export class TlsFront implements AsyncDisposable {
  /** The authority of its certificate. */
  readonly certificate: Buffer;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  static async start(target: NetConnectOpts): Promise<TlsFront> {
    const [certificate, key] = await Promise.all([fixture("certificate.pem"), fixture("key.pem")]);
    const front = new TlsFront(target, certificate, key);
    front.#server.listen(0, "localhost");
    await once(front.#server, "listening");
    return front;
  }

  private constructor(target: NetConnectOpts, certificate: Buffer, key: Buffer) {
    this.certificate = certificate;
    this.#server = createServer({ cert: certificate, key }, (client) => {
      const server = connect(target);
      client.pipe(server).pipe(client);
      for (const socket of [client, server]) {
        this.#sockets.add(socket);
        socket.on("error", () => undefined);
        socket.on("close", () => {
          client.destroy();
          server.destroy();
          this.#sockets.delete(socket);
        });
      }
    });
    this.#server.on("tlsClientError", () => undefined);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `wss://localhost:${this.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, "close");
  }
}
