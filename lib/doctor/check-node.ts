import type { Finding } from "./finding.js";
import { compareVersions, oldestIn } from "./versions.js";

/**
 * Whether this Node.js is new enough.
 *
 * @param range of releases that the package runs on, such as `">=20.19"`.
 */
export function checkNode(range: string | undefined, version = process.versions.node): Finding {
  const oldest = oldestIn(range);
  const name = "node";
  if (oldest === undefined || compareVersions(version, oldest) >= 0) {
    return { name, status: "ok", says: `Node.js ${version}` };
  }
  return {
    name,
    status: "failure",
    says: `Node.js ${version} is older than ${oldest}, the oldest that this library runs on.`,
    cure: `Install Node.js ${oldest} or newer.`,
  };
}
