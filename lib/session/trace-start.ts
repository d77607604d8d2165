import { startTracing } from "../diagnostics/channels.js";
import { TracedStart } from "../diagnostics/start-operation.js";
import type { ServerInfo } from "./server-info.js";

/** Shows the start of a server, or the way to one, on its tracing channel, while somebody subscribes. */
export function traceStart<Client extends { readonly serverInfo: ServerInfo }>(
  via: "process" | "connection",
  start: () => Promise<Client>,
): Promise<Client> {
  if (!startTracing.isOn) return start();
  const operation = new TracedStart(via);
  return startTracing.during(operation, start, ({ serverInfo }) => {
    operation.serverVersion = serverInfo.version;
  });
}
