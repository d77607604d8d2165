import { encodeId } from "../encode-id.js";

/**
 * The keys of a store. What one script touches has the same tag in braces, so that it lies on one node of a Redis
 * Cluster. Ids are encoded: none can name another's key, or end a tag.
 */
export class RedisKeys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** A hash: the mark, the commands and the notes. */
  job(jobId: string): string {
    return this.#key("job", encodeId("jobId", jobId), "state");
  }

  /** The facts of a stream, and its events. Streams have the ids of jobs. */
  stream(id: string): readonly [string, string] {
    const encoded = encodeId("id", id);
    return [this.#key("job", encoded, "stream"), this.#key("job", encoded, "events")];
  }

  thread(threadId: string, what: "host" | "line" | "owner"): string {
    return this.#key("thread", encodeId("threadId", threadId), what);
  }

  threadsOf(owner: string): string {
    return this.#key("owner", encodeId("owner", owner), "threads");
  }

  hosts(): string {
    return this.#key("hosts", "", "alive");
  }

  channel(topic: string): string {
    return `${this.channelPrefix}:${topic}`;
  }

  get channelPrefix(): string {
    return `${this.#prefix}:news`;
  }

  #key(kind: string, id: string, what: string): string {
    return `${this.#prefix}:{${kind}:${id}}:${what}`;
  }
}
