import path from "node:path";
import { ThreadNotMovedError } from "../../errors/thread-not-moved-error.js";
import {
  ExperimentalApiError,
  ThreadNotFoundError,
  type AppServerClient,
  type Codex,
} from "../../index.js";
import { HostFiles } from "./host-files.js";
import { placeOf, type RolloutPlace } from "./rollout-names.js";

/** A host, as the server says that runs there: where its files are, and which threads it uses. */
export class ThreadHost {
  readonly files: HostFiles;
  readonly client: AppServerClient;

  /** `codexHome`: where this process sees the `CODEX_HOME` of the server (default: where the server sees it). */
  static async of(codex: Codex | AppServerClient, codexHome?: string): Promise<ThreadHost> {
    const client = "client" in codex ? await codex.client() : codex;
    return new ThreadHost(client, codexHome ?? client.serverInfo.codexHome);
  }

  private constructor(client: AppServerClient, home: string) {
    this.client = client;
    this.files = new HostFiles(home);
  }

  /** Where the newest file of the thread lies; undefined when the server has nothing of it. */
  async placeOf(threadId: string): Promise<RolloutPlace | undefined> {
    try {
      return this.#placeAt((await this.client.thread(threadId).read()).path);
    } catch (error) {
      if (error instanceof ThreadNotFoundError) return undefined;
      throw error;
    }
  }

  /** The same of its sub-agents and theirs, as far as the server knows them. */
  async placesOfSubagents(threadId: string): Promise<readonly RolloutPlace[]> {
    const places: RolloutPlace[] = [];
    try {
      for (const archived of [false, true]) {
        const list = this.client.listThreads({ ancestorThreadId: threadId, archived });
        for await (const thread of list) {
          const place = this.#placeAt(thread.path);
          if (place) places.push(place);
        }
      }
    } catch (error) {
      // A client that was told to do without experimental methods cannot ask.
      if (!(error instanceof ExperimentalApiError)) throw error;
    }
    return places;
  }

  /** Has the server remove what it knows of the thread. */
  async forget(threadId: string): Promise<void> {
    await this.client.request("thread/delete", { threadId });
  }

  /**
   * A server keeps what it has loaded in mind, and goes on with that, whatever its files say by then.
   *
   * @throws ThreadNotMovedError when it has one of these threads loaded.
   */
  async refuseLoaded(threadIds: Iterable<string>): Promise<void> {
    const loaded = new Set(await this.client.loadedThreads().all());
    for (const id of threadIds) if (loaded.has(id)) throw new ThreadNotMovedError("loaded", id);
  }

  /** The server may see its home elsewhere than this process does. */
  #placeAt(file: string | null): RolloutPlace | undefined {
    if (file === null) return undefined;
    const parts = file.split(path.sep === "\\" ? /[\\/]/ : "/");
    const first = parts.findLastIndex(
      (part) => part === "sessions" || part === "archived_sessions",
    );
    const place = placeOf(
      parts
        .slice(Math.max(first, 0))
        .join("/")
        .replace(/\.zst$/, ""),
    );
    return place;
  }
}
