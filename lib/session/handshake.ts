import type { ResolvedSettings } from "../options/options.js";
import type { Connection } from "../jsonrpc/connection.js";
import { initialize, type ServerPlace } from "./initialize.js";
import { checkServerVersion, toServerInfo, type ServerInfo } from "./server-info.js";
import type { StartDeadline } from "../jsonrpc/start-deadline.js";
import type { ClientHandlers } from "../server-requests/client-handlers.js";
import type { Transport } from "../transport/transport.js";

interface HandshakeOptions {
  readonly handlers: ClientHandlers;
  readonly deadline: StartDeadline;
  readonly place: ServerPlace | undefined;
}

/**
 * Tells the server who we are and what we can, and learns who it is.
 *
 * @throws HandshakeError, IncompatibleServerError, or `signal.reason`.
 */
export async function handshake(
  connection: Connection,
  transport: Transport,
  settings: ResolvedSettings,
  { handlers, deadline, place }: HandshakeOptions,
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
  const circumstances = { deadline, signal, stderrTail, place };
  const response = await initialize(connection, params, circumstances);
  const serverInfo = toServerInfo(response, clientInfo.name);
  checkServerVersion(serverInfo, settings.logger, settings.allowUnsupportedServer);
  return serverInfo;
}
