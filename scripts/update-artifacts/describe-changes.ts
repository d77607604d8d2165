import path from "node:path";
import { findBinary } from "../generate/run-binary.js";
import { readJsonObject } from "../../lib/runtime/files.js";
import type { ProtocolDiff } from "./tools.js";

/**
 * What changed in the protocol from one release to another, and what of the project is affected, as a
 * Markdown text. The binary of the newer one may be given; others are taken from `node_modules` of the
 * project or else fetched.
 */
export async function describeChanges(
  { from, to }: { readonly from: string; readonly to: string },
  root: string,
  protocol: ProtocolDiff,
  newBinary?: string,
): Promise<string> {
  const before = await binaryOf(from, root, protocol);
  return protocol.describe(before, newBinary ?? (await binaryOf(to, root, protocol)), root);
}

async function binaryOf(version: string, root: string, protocol: ProtocolDiff): Promise<string> {
  const installed = path.join(root, "node_modules", "@openai", "codex", "package.json");
  if ((await readJsonObject(installed))?.version === version) {
    const found = await findBinary(path.join(root, "package.json")).catch(() => undefined);
    if (found !== undefined) return found;
  }
  return protocol.fetchRuntime(version);
}
