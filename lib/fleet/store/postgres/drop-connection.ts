import type { Client } from "pg";

/** Gives a connection up at once, whatever its server does. */
export function dropConnection(client: Client): void {
  client.connection.stream.destroy();
}
