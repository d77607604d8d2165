import { runtimeTargets } from "../../lib/runtime/platform.js";
import { isExactVersion, isOlder } from "../registry/exact-version.js";
import { npmChecksum, npmView, type NpmOptions } from "../registry/run-npm.js";

const packageName = "@openai/codex";

/** A release, and the checksum of the package that names the platforms' packages. */
export interface Release {
  readonly manifest: Manifest;
  readonly integrity: string;
}

/** What vendor-bin/manifest.json says: one release, and how to recognise its platform packages. */
export interface Manifest {
  readonly runtimeVersion: string;
  readonly package: string;
  /** By target triple; without those that the release has no package for. */
  readonly platforms: Readonly<Record<string, PlatformRelease>>;
}

export interface PlatformRelease {
  /** Version of `package` that holds this platform's binaries, e.g. `"1.2.3-linux-x64"`. */
  readonly version: string;
  /** The registry's checksum of the tarball, `"sha512-<base64>"`. */
  readonly integrity: string;
}

interface Wanted {
  readonly version: string | undefined;
  readonly channel: string;
}

/** Asks the registry about a release: the given version, or the newest of a channel. */
export async function readRelease(wanted: Wanted, options: NpmOptions): Promise<Release> {
  const version = wanted.version ?? (await newestOf(wanted.channel, options));
  const spec = `${packageName}@${version}`;
  const dependencies = await npmView(spec, "optionalDependencies", options);
  if (!isRecord(dependencies)) {
    throw new Error(`${packageName}@${version} is not published, or has no platform packages.`);
  }
  const integrityOf = async (each: string): Promise<string> => {
    const integrity = await npmChecksum(`${packageName}@${each}`, options);
    if (integrity !== undefined) return integrity;
    throw new Error(`The registry has no sha512 checksum of ${packageName}@${each}.`);
  };
  const platforms: Record<string, PlatformRelease> = {};
  for (const target of runtimeTargets) {
    const platformVersion = aliasedVersion(dependencies[target.packageName]);
    if (platformVersion === undefined) continue;
    const integrity = await integrityOf(platformVersion);
    platforms[target.triple] = { version: platformVersion, integrity };
  }
  if (Object.keys(platforms).length === 0) {
    throw new Error(`${packageName}@${version} names no package for a platform that we know.`);
  }
  const integrity = await integrityOf(version);
  return { manifest: { runtimeVersion: version, package: packageName, platforms }, integrity };
}

/** Throws for a step back that nobody has asked for: a channel's newest release may be older than the pinned one. */
export function requireNoStepBack(
  { version, channel }: Wanted,
  { from, to }: { readonly from: string; readonly to: string },
): void {
  if (version !== undefined || !isOlder(to, from)) return;
  throw new Error(
    `The newest ${channel} release is ${to}, and ${from} is pinned, which is newer. ` +
      `Nothing was changed; to go back, give --version ${to}.`,
  );
}

async function newestOf(channel: string, options: NpmOptions): Promise<string> {
  const tag = channel === "stable" ? "latest" : channel;
  const tags = await npmView(packageName, "dist-tags", options);
  const version = isRecord(tags) ? tags[tag] : undefined;
  if (typeof version === "string" && isExactVersion(version)) return version;
  if (tags === undefined) throw new Error(`The registry has no package ${packageName}.`);
  const known = isRecord(tags) ? Object.keys(tags).join(", ") : "none";
  throw new Error(`${packageName} has no release tagged "${tag}"; there are: ${known}.`);
}

/** The platforms that we know and the release has no package for, by their target triples. */
export function droppedPlatforms({ manifest }: Release): string[] {
  return runtimeTargets
    .map(({ triple }) => triple)
    .filter((triple) => manifest.platforms[triple] === undefined);
}

/** `"npm:@openai/codex@1.2.3-linux-x64"` → `"1.2.3-linux-x64"`. */
function aliasedVersion(specifier: unknown): string | undefined {
  const prefix = `npm:${packageName}@`;
  return typeof specifier === "string" && specifier.startsWith(prefix)
    ? specifier.slice(prefix.length)
    : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null;
}

/** The text of vendor-bin/manifest.json. */
export function manifestText({ manifest }: Release): string {
  return `${JSON.stringify(manifest, null, 2)}\n`;
}
