import { compareSurfaces } from "../protocol-diff/compare-surfaces.js";
import { fetchRuntime } from "../protocol-diff/fetch-runtime.js";
import { findAffected } from "../protocol-diff/find-affected.js";
import { readSurface } from "../protocol-diff/read-surface.js";
import { renderChanges } from "../protocol-diff/render-changes.js";
import type { ProtocolDiff, Tools } from "./tools.js";

/** The comparison of protocols, with the binaries of this project. */
export function protocolOf(
  root: string,
  { signal, onProgress }: Pick<Tools, "signal" | "onProgress">,
): ProtocolDiff {
  return {
    fetchRuntime: (version) =>
      fetchRuntime(version, {
        root,
        signal,
        onProgress: (_spec, bytes, total) => {
          onProgress(`codex ${version}, to compare with`, bytes, total);
        },
      }),
    describe: async (before, after, project) => {
      const changes = compareSurfaces(
        await readSurface(before, signal),
        await readSurface(after, signal),
      );
      signal.throwIfAborted();
      return renderChanges(changes, await findAffected(changes, project));
    },
  };
}
