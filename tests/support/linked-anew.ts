import { AppServerClient } from "../../lib/client.js";
import type { ConnectionSettings } from "../../lib/options/options.js";
import type { ConnectionStatus } from "../../lib/jsonrpc/connection-status.js";
import { ReconnectSchedule, type ReconnectOptions } from "../../lib/jsonrpc/reconnect.js";
import { LinkedServer } from "./linked-server.js";

export interface LinkedAnewOptions extends ConnectionSettings {
  readonly reconnect?: ReconnectOptions;
  readonly shared?: boolean;
  /** Makes each server ready before the client meets it; it may throw instead, or take its time. */
  readonly prepare?: (server: LinkedServer, index: number) => void | Promise<void>;
}

/** A client that is linked to a new fake server whenever its connection drops. */
export class LinkedAnew implements AsyncDisposable {
  readonly client: AppServerClient;
  /** Every server so far; the last one is that of this moment. */
  readonly servers: readonly LinkedServer[];
  readonly #statuses: ConnectionStatus[] = [];

  static async start(options: LinkedAnewOptions = {}): Promise<LinkedAnew> {
    const { reconnect = {}, shared = false, prepare, ...settings } = options;
    const servers: LinkedServer[] = [];
    let attempts = 0;
    const open = async () => {
      const server = new LinkedServer();
      const index = attempts;
      attempts += 1;
      await prepare?.(server, index);
      servers.push(server);
      return server.transport;
    };
    const schedule = new ReconnectSchedule({ minDelayMs: 1, maxDelayMs: 1, ...reconnect });
    const origin = { shared, reopening: { open, schedule } };
    const client = await AppServerClient.attach(await open(), settings, origin);
    return new LinkedAnew(client, servers);
  }

  private constructor(client: AppServerClient, servers: readonly LinkedServer[]) {
    this.client = client;
    this.servers = servers;
    client.onConnectionStatus((status) => this.#statuses.push(status));
  }

  /** The server of this moment. */
  get server(): LinkedServer {
    return this.servers.at(-1) as LinkedServer;
  }

  /** Every status since the start. */
  get statuses(): readonly ConnectionStatus[] {
    return this.#statuses;
  }

  /** Cuts the connection; resolves when the client knows. */
  async drop(): Promise<void> {
    const dropped = this.until("reconnecting");
    this.server.crash();
    await dropped;
  }

  /** Cuts the connection; resolves with the new server when the client has it back. */
  async reconnect(): Promise<LinkedServer> {
    const ready = this.until("ready");
    this.server.crash();
    await ready;
    return this.server;
  }

  /** Resolves with the next status of this kind. */
  until(state: ConnectionStatus["state"]): Promise<ConnectionStatus> {
    return new Promise((resolve) => {
      const stop = this.client.onConnectionStatus((status) => {
        if (status.state !== state) return;
        stop();
        resolve(status);
      });
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.client.close();
  }
}
