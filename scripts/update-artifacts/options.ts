import path from "node:path";
import { parseArgs } from "node:util";
import { isExactVersion } from "../registry/exact-version.js";

export interface UpdateOptions {
  /** An exact version, or else the channel whose newest release is taken. */
  readonly version: string | undefined;
  readonly channel: string;
  /** Which platforms' binaries are put into vendor-bin/. */
  readonly bundle: "none" | "this-machine" | "all";
  /** Whether the tests on the real server have to pass first. */
  readonly verify: boolean;
  readonly dryRun: boolean;
  /** Only puts back what a run that was killed has left half-done. */
  readonly repair: boolean;
  /** The checkout with package.json. */
  readonly root: string;
  /** Where manifest.json and the bundles go. */
  readonly vendorDir: string;
}

export const usage = `Usage: npm run update-artifacts -- [options]

Moves this project to a release of the codex runtime: pins it in package.json, package-lock.json and
vendor-bin/manifest.json, installs it, makes generated/, docs/api and the list in docs/coverage.md
anew, and writes what changed in the protocol into CHANGELOG.md. It works on a copy, and changes the
project at the end, all at once: when anything fails, or on Ctrl-C, the project stays as it was.

  --channel <name>         stable (default) or alpha: the newest release there; or a version
  --version <version>      exactly this release
  --bundle                 also put this machine's binaries into vendor-bin/
  --bundle-all-platforms   also put every platform's binaries into vendor-bin/ (about 2.5 GB)
  --verify                 run the tests on the real server first; change nothing when one fails
  --vendor-dir <path>      write the manifest and the bundles there, and change nothing else
  --dry-run                only say what would change, in the protocol, too
  --repair                 only put back what a run that was killed has left half-done; every other
                           run does that first
  --help                   show this text
`;

/** Reads the command line; `"help"` when that is what was asked for. Throws on anything unknown. */
export function parseOptions(args: readonly string[], root: string): UpdateOptions | "help" {
  const { values } = parseArgs({
    args: [...args],
    strict: true,
    options: {
      channel: { type: "string" },
      version: { type: "string" },
      bundle: { type: "boolean", default: false },
      "bundle-all-platforms": { type: "boolean", default: false },
      verify: { type: "boolean", default: false },
      "vendor-dir": { type: "string" },
      "dry-run": { type: "boolean", default: false },
      repair: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  const { channel, version, verify } = values;
  if (channel !== undefined && version !== undefined) {
    throw new Error("Give --channel or --version, not both.");
  }
  const isVersion = channel !== undefined && isExactVersion(channel);
  if (channel !== undefined && !isVersion && channel !== "stable" && channel !== "alpha") {
    throw new Error("--channel must be stable, alpha or an exact version, such as 1.2.3.");
  }
  if (version !== undefined && !isExactVersion(version)) {
    throw new Error("--version must be an exact version, such as 1.2.3.");
  }
  const vendorDir = values["vendor-dir"];
  if (verify && (vendorDir !== undefined || values["dry-run"])) {
    throw new Error("--verify does not go with --vendor-dir or --dry-run, which move no project.");
  }
  return {
    version: isVersion ? channel : version,
    channel: isVersion ? "stable" : (channel ?? "stable"),
    bundle: values["bundle-all-platforms"] ? "all" : values.bundle ? "this-machine" : "none",
    verify,
    dryRun: values["dry-run"],
    repair: values.repair,
    root,
    vendorDir: path.resolve(vendorDir ?? path.join(root, "vendor-bin")),
  };
}
