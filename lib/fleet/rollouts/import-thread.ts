import { rm } from "node:fs/promises";
import { ThreadNotMovedError } from "../../errors/thread-not-moved-error.js";
import type { AppServerClient, Codex } from "../../index.js";
import { checkManifest, placeIn } from "./check-manifest.js";
import { compare } from "./compare.js";
import type { HostFile } from "./host-files.js";
import { checkImport, checkStore, type ImportThreadOptions } from "./move-options.js";
import { digestOf, type Digest } from "./read-content.js";
import { threadIn } from "./rollout-head.js";
import { archiveFolder, checkThreadId, placeOf, type RolloutPlace } from "./rollout-names.js";
import type { MovedThread, RolloutEntry, RolloutManifest, RolloutStore } from "./rollout-store.js";
import { ThreadHost } from "./thread-host.js";
import { WrittenFile } from "./written-file.js";

/** How often a thread may be exported anew while it is being imported. */
const maxAttempts = 3;

/** A file that this host lacks, or has an older one of. */
interface Wanted {
  readonly entry: RolloutEntry;
  readonly place: RolloutPlace;
  /** What lies here under its name, in whatever folder. */
  readonly local: readonly HostFile[];
  readonly older: Digest | undefined;
}

/**
 * Brings a thread from the store to this host, before a turn. Does nothing when this host has the newest one already, or
 * the store has nothing of the thread. All files are fetched and checked before the first one takes its place; each
 * takes it at once or not at all, and an import that broke off is gone on with by the next.
 *
 * The server must not have the thread loaded: it would go on with what it has in mind, and lose what was imported. Call
 * `releaseThread()` first. Once the thread is here, load it (`resumeThread()`, or its next turn) before you list its
 * turns: until then the server lists none, or those that it had before.
 * Where the thread was reverted, archived or taken out of the archive elsewhere, the server of this host forgets it first
 * (`thread/delete`), its name and goal included.
 *
 * ```ts
 * await importThread(codex, threadId, store, { atLeast: generation });
 * const { finalResponse } = await codex.thread(threadId).run("Go on");
 * ```
 *
 * @param codex the server of this host (`thread/read`, `thread/loaded/list`).
 * @throws ThreadNotMovedError, whose `reason` says why: the thread is `loaded`; this host has a newer one
 * (`localIsNewer`), or both have gone on with it (`diverged`); the store has an older one than `atLeast`
 * (`storeIsOlder`), or what it has is `damaged` or `foreign`; the server goes on with another file all the same
 * (`notTaken`).
 * @throws InvalidArgumentError for an id that is none, or options that cannot work; and what the store throws.
 */
export async function importThread(
  codex: Codex | AppServerClient,
  threadId: string,
  store: RolloutStore,
  options: ImportThreadOptions = {},
): Promise<MovedThread> {
  checkThreadId(threadId);
  checkStore(store);
  checkImport(options);
  const host = await ThreadHost.of(codex, options.codexHome);
  for (let attempt = 1; ; attempt += 1) {
    const head = checkManifest(await store.head(threadId), threadId);
    try {
      return await importHead(host, threadId, store, head, options);
    } catch (error) {
      // Another host may have exported a newer one meanwhile, and removed what the older one named.
      const now = await store.head(threadId).catch(() => head);
      if (attempt === maxAttempts || now?.generation === head?.generation) throw error;
    }
  }
}

async function importHead(
  host: ThreadHost,
  threadId: string,
  store: RolloutStore,
  head: RolloutManifest | undefined,
  options: ImportThreadOptions,
): Promise<MovedThread> {
  const generation = head?.generation ?? 0;
  if (generation < (options.atLeast ?? 0)) throw new ThreadNotMovedError("storeIsOlder", threadId);
  if (!head) return { generation, changed: false };
  const known = await host.placeOf(threadId);
  const isKnownElse = known !== undefined && !isCurrent(known, head);
  const wanted = await findWanted(host, head, isKnownElse);
  if (wanted.length === 0) return { generation, changed: false };
  const ids = new Set([threadId, ...wanted.map(({ place }) => place.threadId)]);
  await host.refuseLoaded(ids);
  const fetched: { readonly file: WrittenFile; readonly wanted: Wanted }[] = [];
  try {
    for (const each of wanted) {
      fetched.push({ file: await fetchFile(host, threadId, store, each), wanted: each });
    }
    await host.refuseLoaded(ids);
    // A server goes on with the file that it knows, whatever else is there: it has to forget the thread first.
    if (isKnownElse) await host.forget(threadId);
    // The thread's own come last: when they are there, all is.
    for (const { file, wanted: each } of fetched.toSorted(byRole)) {
      await file.keep();
      const target = host.files.absolute(each.place);
      const others = each.local.filter(({ absolute }) => absolute !== target);
      for (const { absolute } of others) await rm(absolute, { force: true });
    }
  } finally {
    for (const { file } of fetched) await file.discard();
  }
  const taken = await host.placeOf(threadId);
  if (!taken || !isCurrent(taken, head)) throw new ThreadNotMovedError("notTaken", threadId);
  return { generation, changed: true };
}

/** Whether the server goes on with the file that the server of the other host went on with. */
function isCurrent({ folder, file }: RolloutPlace, { current }: RolloutManifest): boolean {
  const place = placeOf(current);
  const isArchived = (one: string | undefined): boolean => one === archiveFolder;
  return file === place?.file && isArchived(folder) === isArchived(place.folder);
}

/** @throws ThreadNotMovedError when this host has what the store does not have. */
async function findWanted(
  host: ThreadHost,
  head: RolloutManifest,
  all: boolean,
): Promise<readonly Wanted[]> {
  const { threadId, files } = head;
  const wanted: Wanted[] = [];
  const known = new Set<string>();
  for (const entry of files) {
    const place = placeIn(entry, threadId);
    known.add(place.file);
    const local = await host.files.find(place);
    const [newest] = local;
    if (!newest) {
      wanted.push({ entry, place, local, older: undefined });
      continue;
    }
    const { is, digest } = await compare(newest, entry);
    if (is === "diverged") throw new ThreadNotMovedError("diverged", threadId);
    // Of a thread that this one was forked from, this host may have more.
    if (is === "grown" && entry.role !== "source")
      throw new ThreadNotMovedError("localIsNewer", threadId);
    // With a thread that it forgets, the server removes its files and those of its sub-agents.
    const isRemoved = all && entry.role !== "source";
    if (is === "shorter" || isRemoved) wanted.push({ entry, place, local, older: digest });
  }
  const own = await host.placeOf(threadId);
  const besides = own ? await host.files.besides(own) : [];
  if (besides.some(({ file }) => !known.has(file)))
    throw new ThreadNotMovedError("localIsNewer", threadId);
  return wanted;
}

/** Fetches a file beside its place, and checks that it is what the manifest says, and goes on what lies there. */
async function fetchFile(
  host: ThreadHost,
  threadId: string,
  store: RolloutStore,
  { entry, place, older }: Wanted,
): Promise<WrittenFile> {
  const file = await WrittenFile.open(host.files.absolute(place));
  try {
    const content = file.write(withinSize(store.read(threadId, entry.name), entry, threadId));
    const { size, sha256, beginning, firstLine } = await digestOf(content, older?.size);
    if (size !== entry.size || sha256 !== entry.sha256)
      throw new ThreadNotMovedError("damaged", threadId);
    if (threadIn(firstLine) !== place.threadId) throw new ThreadNotMovedError("foreign", threadId);
    if (older && beginning !== older.sha256) throw new ThreadNotMovedError("diverged", threadId);
    await file.finish();
    return file;
  } catch (error) {
    await file.discard();
    throw error;
  }
}

/** No more is written to the disk than the manifest says. */
async function* withinSize(
  content: AsyncIterable<Uint8Array>,
  { size }: RolloutEntry,
  threadId: string,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = size;
  for await (const chunk of content) {
    left -= chunk.length;
    if (left < 0) throw new ThreadNotMovedError("damaged", threadId);
    yield chunk;
  }
}

function byRole(one: { readonly wanted: Wanted }, other: { readonly wanted: Wanted }): number {
  const rank = ({ wanted: { entry } }: typeof one): number => (entry.role === "thread" ? 1 : 0);
  return rank(one) - rank(other);
}
