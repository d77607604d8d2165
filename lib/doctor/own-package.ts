import path from "node:path";
import { findPackageRoot } from "../runtime/bundle.js";
import { readJsonObject } from "../runtime/files.js";
import { ownDirectory } from "../runtime/own-directory.js";
import { SDK_VERSION } from "../index.js";

/** What this package says of itself, and where it lies. */
export interface OwnPackage {
  readonly version: string;
  /** The directory of its code, from which it imports its peers. */
  readonly directory: string;
  /** The range of Node.js releases that it runs on; undefined when its package.json is not there. */
  readonly node: string | undefined;
  /** The ranges of its peers, by their names. */
  readonly peers: Readonly<Record<string, string>>;
}

export async function ownPackage(): Promise<OwnPackage> {
  const directory = (await ownDirectory()) ?? process.cwd();
  const root = await findPackageRoot(directory);
  const manifest = root && (await readJsonObject(path.join(root, "package.json")));
  const { engines, peerDependencies } = (manifest ?? {}) as {
    readonly engines?: { readonly node?: string };
    readonly peerDependencies?: Readonly<Record<string, string>>;
  };
  return { version: SDK_VERSION, directory, node: engines?.node, peers: peerDependencies ?? {} };
}
