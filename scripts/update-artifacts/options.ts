import path from "node:path";
import { parseArgs } from "node:util";

export interface UpdateOptions {
  /** An exact version, or else the channel whose newest release is taken. */
  readonly version: string | undefined;
  readonly channel: string;
  /** Which platforms' binaries are put into vendor-bin/. */
  readonly bundle: "none" | "this-machine" | "all";
  readonly dryRun: boolean;
  /** The checkout with package.json. */
  readonly root: string;
  /** Where manifest.json and the bundles go. */
  readonly vendorDir: string;
}

export const usage = `Usage: npm run update-artifacts -- [options]

Moves this project to a release of the codex runtime: refreshes vendor-bin/manifest.json and the
exact pin in package.json. Run npm install && npm run generate afterwards.

  --channel <name>         stable (default) or alpha: the newest release there
  --version <version>      exactly this release
  --bundle                 also put this machine's binaries into vendor-bin/
  --bundle-all-platforms   also put every platform's binaries into vendor-bin/ (about 2.5 GB)
  --vendor-dir <path>      write there instead of into vendor-bin/; leaves package.json alone
  --dry-run                only say what would change
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
      "vendor-dir": { type: "string" },
      "dry-run": { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  const { channel, version } = values;
  if (channel !== undefined && version !== undefined) {
    throw new Error("Give --channel or --version, not both.");
  }
  if (channel !== undefined && channel !== "stable" && channel !== "alpha") {
    throw new Error("--channel must be stable or alpha.");
  }
  if (version !== undefined && !/^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/.test(version)) {
    throw new Error("--version must be an exact version, such as 1.2.3.");
  }
  const vendorDir = values["vendor-dir"];
  return {
    version,
    channel: channel ?? "stable",
    bundle: values["bundle-all-platforms"] ? "all" : values.bundle ? "this-machine" : "none",
    dryRun: values["dry-run"],
    root,
    vendorDir: path.resolve(vendorDir ?? path.join(root, "vendor-bin")),
  };
}
