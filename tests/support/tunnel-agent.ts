import { request } from "node:http";
import { Agent } from "node:https";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect, type ConnectionOptions } from "node:tls";

/** An agent that goes through a proxy on the loopback, as those of the package `https-proxy-agent` do. */
export class TunnelAgent extends Agent {
  readonly #port: number;

  constructor(port: number) {
    super();
    this.#port = port;
  }

  override createConnection(
    options: ConnectionOptions,
    callback?: (error: Error | null, stream: Duplex) => void,
  ): undefined {
    const { host = "", port = 443 } = options;
    const asking = request({
      host: "127.0.0.1",
      port: this.#port,
      method: "CONNECT",
      path: `${host}:${port}`,
    });
    const fail = (error: Error): void => callback?.(error, undefined as never);
    asking.on("error", fail);
    asking.on("connect", ({ statusCode = 0 }, tunnel: Socket) => {
      if (statusCode !== 200) {
        tunnel.destroy();
        // In the words of the agents of Node.js.
        const error = new Error(`Failed to establish tunnel: HTTP/1.1 ${statusCode}`);
        fail(Object.assign(error, { code: "ERR_PROXY_TUNNEL" }));
        return;
      }
      const { ca } = options;
      const socket = connect({ ...(ca && { ca }), socket: tunnel, servername: host });
      callback?.(null, socket);
    });
    asking.end();
    return undefined;
  }
}
