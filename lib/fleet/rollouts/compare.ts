import { contentOf, type HostFile } from "./host-files.js";
import { digestOf, type Digest } from "./read-content.js";
import type { RolloutEntry } from "./rollout-store.js";

/**
 * What the file of a host is beside that of the store. The server only appends to its rollouts, so of two that are not
 * the same, the one that begins with the other is newer. `shorter`: the host's may be older, which is certain when the
 * store's begins with it.
 */
export type Comparison = "new" | "same" | "grown" | "shorter" | "diverged";

/** Reads the file of the host once, and nothing from the store. */
export async function compare(
  file: HostFile,
  stored: RolloutEntry | undefined,
): Promise<{ readonly is: Comparison; readonly digest: Digest }> {
  const digest = await digestOf(contentOf(file), stored?.size);
  return { is: comparisonOf(digest, stored), digest };
}

function comparisonOf(digest: Digest, stored: RolloutEntry | undefined): Comparison {
  if (!stored) return "new";
  if (digest.size < stored.size) return "shorter";
  if (digest.beginning !== stored.sha256) return "diverged";
  return digest.size === stored.size ? "same" : "grown";
}
