import { randomUUID } from "node:crypto";
import { ThreadNotMovedError } from "../../errors/thread-not-moved-error.js";
import type { AppServerClient, Codex } from "../../index.js";
import { checkManifest, placeIn } from "./check-manifest.js";
import { compare } from "./compare.js";
import { contentOf } from "./host-files.js";
import { checkExport, checkStore, type MoveThreadOptions } from "./move-options.js";
import { Digester } from "./read-content.js";
import { checkThreadId, type RolloutPlace } from "./rollout-names.js";
import type { MovedThread, RolloutEntry, RolloutStore } from "./rollout-store.js";
import { familyOf, type FamilyFile } from "./thread-family.js";
import { ThreadHost } from "./thread-host.js";

/**
 * Brings a thread from this host to the store, after a turn: its rollouts, those of its sub-agents, and those of the
 * threads that it was forked from. What the store has already is not written again. When it breaks off, the store has
 * what it had before.
 *
 * Its server must not have it loaded: call `releaseThread()` first. Its name, goal, queue, section and attachments stay
 * on this host.
 *
 * ```ts
 * await releaseThread(codex, threadId);
 * const { generation } = await exportThread(codex, threadId, store);
 * ```
 *
 * @param codex the server of this host (`thread/read`, `thread/list`, `thread/loaded/list`).
 * @throws ThreadNotMovedError, whose `reason` says why: the thread is `loaded`; another host has exported a newer one
 * (`storeIsNewer`), or both have gone on with it (`diverged`).
 * @throws InvalidArgumentError for an id that is none, or options that cannot work; and what the store throws.
 */
export async function exportThread(
  codex: Codex | AppServerClient,
  threadId: string,
  store: RolloutStore,
  options: MoveThreadOptions = {},
): Promise<MovedThread> {
  checkThreadId(threadId);
  checkStore(store);
  checkExport(options);
  const host = await ThreadHost.of(codex, options.codexHome);
  const head = checkManifest(await store.head(threadId), threadId);
  const family = await familyOf(host, threadId, head);
  const current = currentOf(family, await host.placeOf(threadId));
  await host.refuseLoaded(idsOf(family));
  const kept = new Map(head?.files.map((entry) => [placeIn(entry, threadId).file, entry]));
  const written: RolloutEntry[] = [];
  try {
    const files: RolloutEntry[] = [];
    for (const file of family) {
      const entry = await toEntry(file, kept.get(file.file), { threadId, store, written });
      kept.delete(file.file);
      files.push(entry);
    }
    // Its own files are all there on the host that has the newest ones.
    const missing = [...kept.values()];
    if (missing.some(({ role }) => role === "thread"))
      throw new ThreadNotMovedError("storeIsNewer", threadId);
    files.push(...missing);
    const before = head?.generation ?? 0;
    if (head?.current === current && isSame(files, head.files))
      return { generation: before, changed: false };
    const generation = before + 1;
    // Whoever has loaded it meanwhile may have gone on with it.
    await host.refuseLoaded(idsOf(family));
    if (!(await store.commit({ threadId, generation, current, files }))) {
      throw new ThreadNotMovedError("storeIsNewer", threadId);
    }
    const names = new Set(files.map(({ name }) => name));
    await removeAll(store, threadId, head?.files.filter(({ name }) => !names.has(name)) ?? []);
    return { generation, changed: true };
  } catch (error) {
    // After a commit whose answer was lost, the store may name them.
    const now = await store.head(threadId).then(
      (manifest) => manifest?.files ?? [],
      () => written,
    );
    const named = new Set(now.map(({ name }) => name));
    await removeAll(
      store,
      threadId,
      written.filter(({ name }) => !named.has(name)),
    );
    throw error;
  }
}

/** The entry of a file, which is written to the store unless that has it. */
async function toEntry(
  file: FamilyFile,
  stored: RolloutEntry | undefined,
  to: { threadId: string; store: RolloutStore; written: RolloutEntry[] },
): Promise<RolloutEntry> {
  const { threadId, store, written } = to;
  const { is, digest } = await compare(file, stored);
  const path = `${file.folder}/${file.file}`;
  if (stored && is === "same") return { ...stored, path };
  if (stored && is === "shorter") {
    // Of a thread that this one was forked from, another host may have more.
    if (file.role === "source") return stored;
    throw new ThreadNotMovedError("storeIsNewer", threadId);
  }
  if (is === "diverged") throw new ThreadNotMovedError("diverged", threadId);
  const { size, sha256 } = digest;
  const entry = { path, role: file.role, size, sha256, name: randomUUID() };
  written.push(entry);
  await store.write(threadId, entry.name, unchanged(file, entry, threadId), size);
  return entry;
}

/** A thread that this one was forked from may be at work meanwhile: what it appends is not part of this. */
async function* unchanged(
  file: FamilyFile,
  { size, sha256 }: RolloutEntry,
  threadId: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  const digester = new Digester();
  for await (const chunk of contentOf(file, size)) {
    digester.add(chunk);
    yield chunk;
  }
  if (digester.digest().sha256 !== sha256) throw new ThreadNotMovedError("changed", threadId);
}

/** Where a thread was reverted, its server goes on with one of its files. */
function currentOf(family: readonly FamilyFile[], place: RolloutPlace | undefined): string {
  const own = family.filter(({ role }) => role === "thread");
  const { folder = "", file = "" } = own.find((each) => each.file === place?.file) ?? own[0] ?? {};
  return `${folder}/${file}`;
}

function idsOf(family: readonly FamilyFile[]): Set<string> {
  return new Set(family.filter(({ role }) => role !== "source").map(({ threadId }) => threadId));
}

function isSame(files: readonly RolloutEntry[], before: readonly RolloutEntry[]): boolean {
  const keys = (entries: readonly RolloutEntry[]) =>
    entries.map(({ name, path, role }) => `${name} ${path} ${role}`).sort();
  return keys(files).join("\n") === keys(before).join("\n");
}

/** What is left takes room and does no harm. */
async function removeAll(
  store: RolloutStore,
  threadId: string,
  entries: readonly RolloutEntry[],
): Promise<void> {
  for (const { name } of entries) await store.remove(threadId, name).catch(() => undefined);
}
