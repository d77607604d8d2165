import type { Finding } from "./finding.js";
import { installedPackage } from "./installed-package.js";
import { joinProblems, type Problem } from "./join-problems.js";
import type { OwnPackage } from "./own-package.js";
import { compareVersions, oldestIn } from "./versions.js";

const ownName = "codex-app-server-sdk";

interface Surroundings {
  readonly own: OwnPackage;
  /** The directory of the user's project. */
  readonly project: string;
  /** The peers without which nothing would work with the options that were given. */
  readonly needed: readonly string[];
}

/** Which optional peers the library sees, and whether their versions are in range. */
export async function checkPackages(surroundings: Surroundings): Promise<Finding> {
  const { own, project } = surroundings;
  const peers = await Promise.all(
    Object.entries(own.peers).map(([name, range]) => lookAt(name, range, surroundings)),
  );
  const problems = peers.flatMap(({ problem }) => problem ?? []);
  const copy = await installedPackage(ownName, project);
  if (copy !== undefined && copy.version !== own.version) {
    problems.push({
      status: "warning",
      says: `The project has ${ownName} ${copy.version}, and this is ${own.version}.`,
      cure: `Run the doctor in the directory of the project, by: npx ${ownName} doctor`,
    });
  }
  const seen = peers.map((peer) => peer.says).join(", ");
  return joinProblems("packages", problems, `${ownName} ${own.version}, ${seen}`);
}

async function lookAt(
  name: string,
  range: string,
  { own, project, needed }: Surroundings,
): Promise<{ says: string; problem?: Problem }> {
  const status = needed.includes(name) ? "failure" : "warning";
  const found = await installedPackage(name, own.directory);
  const oldest = oldestIn(range) ?? "0";
  if (found !== undefined) {
    const says = `${name} ${found.version}`;
    if (compareVersions(found.version, oldest) >= 0) return { says };
    const tooOld = `${says} is older than ${oldest}, the oldest that this library works with.`;
    return { says, problem: { status, says: tooOld, cure: installing(name) } };
  }
  const says = `no ${name}`;
  if (await installedPackage(name, project)) {
    const unseen = `The project has ${name} where this copy of ${ownName} does not see it.`;
    return { says, problem: { status, says: unseen, cure: installing(ownName) } };
  }
  if (status === "warning") return { says };
  return { says, problem: { status, says: `${name} is not installed.`, cure: installing(name) } };
}

function installing(name: string): string {
  return `Run in the project: npm install ${name}`;
}
