import { RUNTIME_VERSION } from "../../generated/runtime.js";
import type { InitializeResponse } from "../../generated/types.js";
import type { Logger } from "../async/logger.js";
import { IncompatibleServerError } from "../errors/start-errors.js";

/** The server that answered the handshake. */
export interface ServerInfo {
  /** The runtime's version, such as `"0.169.0"`; undefined when it could not be told. */
  readonly version: string | undefined;
  readonly userAgent: string;
  /** The directory with the server's configuration, logins and stored threads. */
  readonly codexHome: string;
  /** `"unix"` or `"windows"`. */
  readonly platformFamily: string;
  /** `"linux"`, `"macos"` or `"windows"`. */
  readonly platformOs: string;
}

/** Older runtimes return turn ids that never complete, and store failed turns as completed. */
export const minimumServerVersion = "0.155.1";

export function toServerInfo(
  response: Partial<InitializeResponse>,
  clientName: string,
): ServerInfo {
  const text = (value: unknown): string => (typeof value === "string" ? value : "");
  const userAgent = text(response.userAgent);
  return {
    version: parseVersion(userAgent, clientName),
    userAgent,
    codexHome: text(response.codexHome),
    platformFamily: text(response.platformFamily),
    platformOs: text(response.platformOs),
  };
}

/** @throws IncompatibleServerError */
export function checkServerVersion(
  info: ServerInfo,
  logger: Required<Logger>,
  allowUnsupported: boolean,
): void {
  const { version } = info;
  if (version === undefined) {
    logger.warn("The app-server did not tell its version; going on as if it were supported.");
  } else if (compare(version, minimumServerVersion) < 0) {
    if (!allowUnsupported) throw new IncompatibleServerError(version, minimumServerVersion);
    logger.warn(`codex app-server ${version} is older than ${minimumServerVersion}; unsupported.`);
  } else if (compare(version, RUNTIME_VERSION) > 0) {
    logger.info(
      `codex app-server ${version} is newer than ${RUNTIME_VERSION}, which this library's types describe.`,
    );
  }
}

/** The user agent is `<client name>/<server version> (…)`, and the client's name may hold anything. */
function parseVersion(userAgent: string, clientName: string): string | undefined {
  const ours = `${clientName}/`;
  const rest = userAgent.startsWith(ours) ? userAgent.slice(ours.length - 1) : userAgent;
  return /\/(\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?)(?=\s|$)/.exec(rest)?.[1];
}

function compare(left: string, right: string): number {
  const [a, b] = [left, right].map((version) => version.split(/[.-]/, 3).map(Number));
  for (let part = 0; part < 3; part += 1) {
    const difference = (a?.[part] ?? 0) - (b?.[part] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
