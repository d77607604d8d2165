import { existsSync } from "node:fs";
import { appendFile, mkdir, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type {
  ReadEventsOptions,
  StoredStream,
  StreamEvent,
  StreamFacts,
  StreamLimits,
  StreamPage,
  TurnStreamStore,
} from "../../lib/http/index.js";

/** How long a reader waits before it looks again (ms). */
const lookMs = 5;

/** Keeps streams as files of a folder: all processes that know the folder share them. */
export class FolderStreamStore implements TurnStreamStore {
  readonly #folder: string;
  #closed = false;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async create(id: string, facts: StreamFacts, limits: StreamLimits): Promise<void> {
    await mkdir(this.#path(id), { recursive: true });
    if (existsSync(this.#path(id, "facts"))) return;
    await writeFile(this.#path(id, "events"), "");
    await writeFile(this.#path(id, "facts"), JSON.stringify({ ...facts, ...limits }));
  }

  nameTurn(id: string, turnId: string): Promise<void> {
    return writeFile(this.#path(id, "turn"), turnId);
  }

  async append(id: string, events: readonly StreamEvent[]): Promise<void> {
    const kept = await this.#kept(id);
    if (kept?.ended) return;
    const last = kept?.events.at(-1)?.seq ?? 0;
    const lines = events.filter(({ seq }) => seq > last).map((each) => `${JSON.stringify(each)}\n`);
    await appendFile(this.#path(id, "events"), lines.join(""));
  }

  async end(id: string): Promise<void> {
    await writeFile(this.#path(id, "end"), String(Date.now()), { flag: "wx" }).catch(
      () => undefined,
    );
  }

  async find(id: string): Promise<StoredStream | undefined> {
    const kept = await this.#kept(id);
    if (!kept) return undefined;
    const { owner, threadId, ended, events } = kept;
    const turnId = existsSync(this.#path(id, "turn"))
      ? await readFile(this.#path(id, "turn"), "utf8")
      : undefined;
    return { owner, threadId, turnId, ended, last: events.at(-1)?.seq ?? 0 };
  }

  async read(
    id: string,
    after: number,
    { maxBytes, waitMs, signal }: ReadEventsOptions,
  ): Promise<StreamPage | undefined> {
    const until = Date.now() + waitMs;
    for (;;) {
      const kept = await this.#kept(id);
      if (!kept) return undefined;
      const newer = kept.events.filter(({ seq }) => seq > after);
      const isOver = signal.aborted || this.#closed || Date.now() >= until;
      if (newer.length > 0 || kept.ended || isOver) {
        const events = newer.slice(0, Math.max(1, lengthWithin(newer, maxBytes)));
        return { events, ended: kept.ended && events.length === newer.length };
      }
      await pause(lookMs);
    }
  }

  async ownThread(threadId: string, owner: string): Promise<string> {
    await mkdir(this.#path("owners"), { recursive: true });
    // Whoever comes first makes the file.
    await writeFile(this.#path("owners", threadId), owner, { flag: "wx" }).catch(() => undefined);
    return (await this.ownerOf(threadId)) ?? owner;
  }

  ownerOf(threadId: string): Promise<string | undefined> {
    return readFile(this.#path("owners", threadId), "utf8").catch(() => undefined);
  }

  async threadsOf(owner: string, limit: number): Promise<readonly string[]> {
    const names = await readdir(this.#path("owners"));
    const all = await Promise.all(
      names.map(async (threadId) => {
        const { mtimeNs } = await stat(this.#path("owners", threadId), { bigint: true });
        return { threadId, mtimeNs, owner: await this.ownerOf(threadId) };
      }),
    );
    const own = all.filter((each) => each.owner === owner);
    own.sort((one, other) => Number(other.mtimeNs - one.mtimeNs));
    return own.slice(0, limit).map(({ threadId }) => threadId);
  }

  close(): Promise<void> {
    this.#closed = true;
    return Promise.resolve();
  }

  async #kept(id: string) {
    const facts = this.#path(id, "facts");
    if (!existsSync(facts)) return undefined;
    // Nothing comes behind the end, so it is looked for first.
    const endedAt = await readFile(this.#path(id, "end"), "utf8").catch(() => undefined);
    const stored = JSON.parse(await readFile(facts, "utf8")) as StreamFacts & StreamLimits;
    if (endedAt !== undefined && Date.now() > Number(endedAt) + stored.retainMs) {
      await rm(this.#path(id), { recursive: true, force: true });
      return undefined;
    }
    const lines = (await readFile(this.#path(id, "events"), "utf8")).split("\n").slice(0, -1);
    const events = lines.map((line) => JSON.parse(line) as StreamEvent);
    return { ...stored, ended: endedAt !== undefined, events };
  }

  #path(...names: string[]): string {
    return path.join(this.#folder, ...names.map(encodeURIComponent));
  }
}

function lengthWithin(events: readonly StreamEvent[], maxBytes: number): number {
  let bytes = 0;
  const over = events.findIndex(({ data }) => (bytes += data.length) > maxBytes);
  return over < 0 ? events.length : over;
}
