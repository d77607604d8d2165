import { ThreadNotMovedError } from "../../errors/thread-not-moved-error.js";
import { contentOf, type HostFile } from "./host-files.js";
import { Digester } from "./read-content.js";
import { sourceThreadIn } from "./rollout-head.js";
import { placeOf, type RolloutPlace } from "./rollout-names.js";
import type { RolloutManifest, RolloutRole } from "./rollout-store.js";
import type { ThreadHost } from "./thread-host.js";

export interface FamilyFile extends HostFile {
  readonly role: RolloutRole;
}

/**
 * The files on a host without which the thread is not whole elsewhere: its own, those of its sub-agents, and those of the
 * threads that one of these was forked from, for a fork does not repeat the history that it goes on.
 *
 * @throws ThreadNotMovedError when there is no file of the thread.
 */
export async function familyOf(
  host: ThreadHost,
  threadId: string,
  head: RolloutManifest | undefined,
): Promise<readonly FamilyFile[]> {
  const family = new Map<string, FamilyFile>();
  const add = async (place: RolloutPlace | undefined, role: RolloutRole): Promise<void> => {
    if (!place) return;
    for (const file of await host.files.besides(place)) {
      if (family.has(file.file)) continue;
      const [best = file] = await host.files.find(file);
      family.set(file.file, { ...best, role });
    }
  };
  await add(await host.placeOf(threadId), "thread");
  if (family.size === 0) throw new ThreadNotMovedError("notStored", threadId);
  for (const place of await host.placesOfSubagents(threadId)) await add(place, "subagent");
  // A server knows whose sub-agent a thread is where it ran, and not where it was brought to.
  for (const { path, role } of head?.files ?? []) {
    if (role === "subagent") await add(placeOf(path), role);
  }
  const looked = new Set<string>();
  // What is added meanwhile is looked at, too: a fork may be one of a fork.
  for (const file of family.values()) {
    const source = sourceThreadIn(await firstLineOf(file));
    if (source === undefined || looked.has(source)) continue;
    looked.add(source);
    await add(await host.placeOf(source), "source");
  }
  return [...family.values()];
}

async function firstLineOf(file: HostFile): Promise<string | undefined> {
  const digester = new Digester();
  for await (const chunk of contentOf(file)) {
    digester.add(chunk);
    const { firstLine } = digester.digest();
    if (firstLine !== undefined) return firstLine;
  }
  return undefined;
}
