/**
 * Whether a request begins something outside of threads that goes on when it has been answered, and ends with the
 * connection.
 */
export function outlastsAnswer(method: string): boolean {
  return outlasting.has(method);
}

const outlasting = new Set([
  "account/gatewayOAuth/login",
  "account/login/start",
  "externalAgentConfig/import",
  "fs/watch",
  "fuzzyFileSearch/sessionStart",
  "mcpServer/event/stream/start",
  "mcpServer/oauth/login",
  "process/spawn",
  "remoteControl/enable",
  "remoteControl/pairing/start",
  "windowsSandbox/setupStart",
]);
