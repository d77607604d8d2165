import { ThreadNotMovedError } from "../../errors/thread-not-moved-error.js";
import { placeOf, type RolloutPlace } from "./rollout-names.js";
import type { RolloutEntry, RolloutManifest } from "./rollout-store.js";

const sha256Pattern = /^[0-9a-f]{64}$/;
const namePattern = /^[0-9a-f-]{36}$/;
const roles: readonly unknown[] = ["thread", "subagent", "source"];

/**
 * A manifest says where files are written, so what a store gives is believed only as far as it looks like one of ours.
 *
 * @throws ThreadNotMovedError
 */
export function checkManifest(
  manifest: RolloutManifest | undefined,
  threadId: string,
): RolloutManifest | undefined {
  if (manifest === undefined) return undefined;
  const { threadId: of, generation, files, current } = manifest as Partial<RolloutManifest>;
  const isOurs =
    of === threadId &&
    Number.isSafeInteger(generation) &&
    (generation ?? 0) > 0 &&
    Array.isArray(files) &&
    files.every(isEntry) &&
    new Set(files.map((entry) => placeIn(entry, threadId).file)).size === files.length &&
    files.some(({ role, path }) => role === "thread" && path === current) &&
    files.every(({ role, path }) => role !== "thread" || placeOf(path)?.threadId === threadId);
  if (!isOurs) throw new ThreadNotMovedError("foreign", threadId);
  return manifest;
}

/** The place that an entry names, which was checked. */
export function placeIn({ path }: RolloutEntry, threadId: string): RolloutPlace {
  const place = placeOf(path);
  if (!place) throw new ThreadNotMovedError("foreign", threadId);
  return place;
}

function isEntry(entry: unknown): entry is RolloutEntry {
  if (typeof entry !== "object" || entry === null) return false;
  const { path, role, size, sha256, name } = entry as Partial<Record<keyof RolloutEntry, unknown>>;
  return (
    placeOf(path) !== undefined &&
    roles.includes(role) &&
    Number.isSafeInteger(size) &&
    (size as number) >= 0 &&
    typeof sha256 === "string" &&
    sha256Pattern.test(sha256) &&
    typeof name === "string" &&
    namePattern.test(name)
  );
}
