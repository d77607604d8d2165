import {
  IncompatibleServerError,
  InvalidArgumentError,
  isAppServerError,
  RUNTIME_VERSION,
  type ServerInfo,
} from "../index.js";
import { installCommand } from "../runtime/get-runtime.js";
import type { Finding } from "./finding.js";
import { saysAndCure } from "./says-and-cure.js";
import { compareVersions } from "./versions.js";

const name = "server";
const install = `Run: ${installCommand()}`;

/** Whether the server starts, or is reached, and whether the library was made for its version. */
export async function checkServer(start: Promise<{ serverInfo: ServerInfo }>): Promise<Finding> {
  try {
    const { serverInfo } = await start;
    return judge(serverInfo.version);
  } catch (error) {
    if (!isAppServerError(error)) throw error;
    if (error instanceof IncompatibleServerError) {
      const { serverVersion, minimumVersion } = error;
      const says = `codex ${serverVersion} is older than ${minimumVersion}, the oldest that is supported.`;
      return { name, status: "failure", says, cure: install };
    }
    const otherwise =
      error instanceof InvalidArgumentError
        ? "Correct the option."
        : "Look at what the server says on stderr, and at its logs.";
    return { name, status: "failure", ...saysAndCure(error.message, otherwise) };
  }
}

function judge(version: string | undefined): Finding {
  if (version === undefined) {
    const says = "The server does not tell its version.";
    return { name, status: "warning", says, cure: `Use a release of codex. ${install}` };
  }
  const difference = compareVersions(version, RUNTIME_VERSION);
  if (difference < 0) {
    const says = `codex ${version} is supported, and older than ${RUNTIME_VERSION}, which this library was made for.`;
    return { name, status: "warning", says: `${says} Newer methods fail.`, cure: install };
  }
  const made = difference === 0 ? "which" : `newer than ${RUNTIME_VERSION}, which`;
  return { name, status: "ok", says: `codex ${version}, ${made} this library was made for` };
}
