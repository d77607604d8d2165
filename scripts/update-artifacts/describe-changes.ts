import type { ProtocolDiff } from "./tools.js";

/**
 * What changed in the protocol from one release to another, and what of the project is affected, as a
 * Markdown text. The binary of the newer one may be given; others are those that are installed, or fetched.
 */
export async function describeChanges(
  { from, to }: { readonly from: string; readonly to: string },
  root: string,
  protocol: ProtocolDiff,
  newBinary?: string,
): Promise<string> {
  const before = await protocol.fetchRuntime(from);
  return protocol.describe(before, newBinary ?? (await protocol.fetchRuntime(to)), root);
}
