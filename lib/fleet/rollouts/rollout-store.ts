/**
 * Where the files of threads lie while no host has them to itself: a directory that all hosts share, object storage.
 *
 * A thread has one manifest at a time, which names its files. `commit()` is the one step that has to be atomic; what
 * a manifest names is written before it and never changed. So an export that breaks off leaves the old manifest, and
 * the files that it names.
 */
export interface RolloutStore {
  /** Resolves with the newest manifest of the thread; with undefined when it has none. */
  head(threadId: string): Promise<RolloutManifest | undefined>;
  /**
   * Makes this manifest the newest one, if the newest has the generation just before it (0 when there is none), and
   * resolves with whether it did. Of two calls at the same time, from whatever machine, one at most may succeed.
   */
  commit(manifest: RolloutManifest): Promise<boolean>;
  /**
   * Writes a file of the thread under a name that nobody has used. When this resolves, `read()` gives all of it, also
   * after a crash of this process. `content` has `size` bytes. What it throws rejects it, and the file does not count.
   */
  write(
    threadId: string,
    name: string,
    content: AsyncIterable<Uint8Array>,
    size: number,
  ): Promise<void>;
  /** Gives the content of a file in pieces; iterating throws when there is no such file. */
  read(threadId: string, name: string): AsyncIterable<Uint8Array>;
  /** Removes a file that no manifest names any more, if it is there. */
  remove(threadId: string, name: string): Promise<void>;
}

/** The files of a thread at one moment. It is JSON, and holds nothing that was said. */
export interface RolloutManifest {
  readonly threadId: string;
  /** 1 for the first export, and one more for each later one. */
  readonly generation: number;
  /** The path of the file that the server goes on with: a thread that was reverted has more than one. */
  readonly current: string;
  readonly files: readonly RolloutEntry[];
}

/**
 * What a file is to the thread: its own; that of a sub-agent; or that of a thread from which one of these was forked, and
 * whose history it goes on.
 */
export type RolloutRole = "thread" | "subagent" | "source";

/** A file of a thread. */
export interface RolloutEntry {
  /** Its path in a `CODEX_HOME`, with `/`, such as `sessions/2026/12/01/rollout-….jsonl`. */
  readonly path: string;
  readonly role: RolloutRole;
  /** How large it is (bytes). */
  readonly size: number;
  /** The SHA-256 of its content, in hexadecimal. */
  readonly sha256: string;
  /** The name that `RolloutStore.read()` takes: 36 characters of `0-9a-f-`. */
  readonly name: string;
}

/** What has become of an export or an import. */
export interface MovedThread {
  /** The generation that the host and the store both have now; 0 when the store has nothing of the thread. */
  readonly generation: number;
  /** Whether anything was written. */
  readonly changed: boolean;
}
