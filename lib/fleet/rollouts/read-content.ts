import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { Duplex } from "node:stream";
import * as zlib from "node:zlib";
import { isCompressed } from "./rollout-names.js";

/** The content of a file as far as it is needed to compare it with another one. */
export interface Digest {
  readonly size: number;
  /** In hexadecimal. */
  readonly sha256: string;
  /** The same of the first `cut` bytes; undefined when there are not so many. */
  readonly beginning: string | undefined;
  /** The first line, if it is not longer than a first line may be. */
  readonly firstLine: string | undefined;
}

/** The server puts its base instructions there (bytes). */
const maxFirstLine = 16_777_216;

/** Whether this version of Node.js reads what the server has compressed. */
export const readsCompressed = "createZstdDecompress" in zlib;

/** The content of a rollout, decompressed, but no more than `size` bytes of it. */
export async function* readContent(
  file: string,
  size = Infinity,
): AsyncGenerator<Uint8Array, void, undefined> {
  let left = size;
  for await (const chunk of openContent(file)) {
    if (left <= 0) return;
    yield chunk.length <= left ? chunk : chunk.subarray(0, left);
    left -= chunk.length;
  }
}

/** Passes the content on, and digests it meanwhile; `digest()` is to be called when all of it has passed. */
export class Digester {
  readonly #cut: number;
  readonly #hash = createHash("sha256");
  readonly #firstLine: Uint8Array[] = [];
  #firstLineBytes = 0;
  #hasFirstLine = false;
  #size = 0;
  #beginning: string | undefined;

  constructor(cut = 0) {
    this.#cut = cut;
    if (cut === 0) this.#beginning = createHash("sha256").digest("hex");
  }

  get size(): number {
    return this.#size;
  }

  add(chunk: Uint8Array): void {
    const untilCut = this.#cut - this.#size;
    if (untilCut > 0 && untilCut <= chunk.length) {
      this.#hash.update(chunk.subarray(0, untilCut));
      this.#beginning = this.#hash.copy().digest("hex");
      this.#hash.update(chunk.subarray(untilCut));
    } else {
      this.#hash.update(chunk);
    }
    this.#size += chunk.length;
    this.#keepFirstLine(chunk);
  }

  digest(): Digest {
    const firstLine = this.#hasFirstLine ? Buffer.concat(this.#firstLine).toString() : undefined;
    const sha256 = this.#hash.copy().digest("hex");
    return { size: this.#size, sha256, beginning: this.#beginning, firstLine };
  }

  #keepFirstLine(chunk: Uint8Array): void {
    if (this.#hasFirstLine || this.#firstLineBytes > maxFirstLine) return;
    const end = chunk.indexOf(10);
    this.#hasFirstLine = end !== -1;
    const part = end === -1 ? chunk : chunk.subarray(0, end);
    this.#firstLineBytes += part.length;
    this.#firstLine.push(part);
  }
}

/** Reads a file to its end. `cut`: see `Digest`. */
export async function digestOf(content: AsyncIterable<Uint8Array>, cut?: number): Promise<Digest> {
  const digester = new Digester(cut);
  for await (const chunk of content) digester.add(chunk);
  return digester.digest();
}

function openContent(file: string): AsyncIterable<Uint8Array> {
  const stream = createReadStream(file);
  if (!isCompressed(file)) return stream;
  const { createZstdDecompress } = zlib as unknown as { createZstdDecompress: () => Duplex };
  const plain = createZstdDecompress();
  stream.on("error", (error) => plain.destroy(error));
  plain.on("close", () => stream.destroy());
  return stream.pipe(plain);
}
