import type { ResolvedSettings } from "./options.js";
import type { Connection } from "./rpc/connection.js";
import { handshake } from "./rpc/handshake.js";
import { checkServerVersion, toServerInfo, type ServerInfo } from "./rpc/server-info.js";
import type { StartDeadline } from "./rpc/start-deadline.js";
import type { ClientHandlers } from "./server-requests/client-handlers.js";
import type { Transport } from "./transport/transport.js";

/**
 * Tells the server who we are and what we can, and learns who it is.
 *
 * @throws HandshakeError, IncompatibleServerError, or `signal.reason`.
 */
export async function introduce(
  connection: Connection,
  transport: Transport,
  settings: ResolvedSettings,
  { handlers, deadline }: { handlers: ClientHandlers; deadline: StartDeadline },
): Promise<ServerInfo> {
  const { clientInfo, experimentalApi, optOutNotificationMethods, signal } = settings;
  const capabilities = {
    experimentalApi,
    requestAttestation: handlers.canAttest,
    // Or a turn would wait for somebody at a browser on the server's machine.
    explicitGatewayOauth: true,
    optOutNotificationMethods: [...optOutNotificationMethods],
  };
  const stderrTail = () => transport.stderrTail();
  const params = { clientInfo, capabilities };
  const response = await handshake(connection, params, { deadline, signal, stderrTail });
  const serverInfo = toServerInfo(response, clientInfo.name);
  checkServerVersion(serverInfo, settings.logger, settings.allowUnsupportedServer);
  return serverInfo;
}
