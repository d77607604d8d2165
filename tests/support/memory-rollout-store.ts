import type { RolloutManifest, RolloutStore } from "../../lib/fleet/index.js";

/** A store of one process, whose content tests may look at and change. */
export class MemoryRolloutStore implements RolloutStore {
  readonly manifests = new Map<string, RolloutManifest>();
  readonly files = new Map<string, Buffer>();
  /** Called before each step. */
  onStep: (step: keyof RolloutStore) => void = () => undefined;

  head(threadId: string): Promise<RolloutManifest | undefined> {
    this.onStep("head");
    return Promise.resolve(this.manifests.get(threadId));
  }

  commit(manifest: RolloutManifest): Promise<boolean> {
    this.onStep("commit");
    const { threadId, generation } = manifest;
    const before = this.manifests.get(threadId)?.generation ?? 0;
    if (before !== generation - 1) return Promise.resolve(false);
    this.manifests.set(threadId, manifest);
    return Promise.resolve(true);
  }

  async write(threadId: string, name: string, content: AsyncIterable<Uint8Array>): Promise<void> {
    this.onStep("write");
    const chunks: Uint8Array[] = [];
    for await (const chunk of content) chunks.push(chunk);
    this.files.set(`${threadId}/${name}`, Buffer.concat(chunks));
  }

  async *read(threadId: string, name: string): AsyncGenerator<Uint8Array, void, undefined> {
    this.onStep("read");
    const file = this.files.get(`${threadId}/${name}`);
    if (!file) throw new Error("There is no such file.");
    await Promise.resolve();
    const half = Math.ceil(file.length / 2);
    yield file.subarray(0, half);
    yield file.subarray(half);
  }

  remove(threadId: string, name: string): Promise<void> {
    this.onStep("remove");
    this.files.delete(`${threadId}/${name}`);
    return Promise.resolve();
  }
}
