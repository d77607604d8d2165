import type { Client, PoolClient } from "pg";

/** Gives a connection up at once, whatever its server does. */
export function dropConnection(client: Client | PoolClient): void {
  // Those of a pool have it, too, which their type does not say.
  (client as Client).connection.stream.destroy();
}
