/** So many pieces are joined at a time: a Buffer of one byte takes a hundred times that. */
const piecesPerJoin = 1_024;

/** Bytes that come in pieces of any size, and take hardly more memory than they are. */
export class Chunks {
  readonly #joined: Buffer[] = [];
  #recent: Buffer[] = [];
  #length = 0;

  /** The number of bytes. */
  get length(): number {
    return this.#length;
  }

  push(piece: Buffer): void {
    this.#length += piece.length;
    this.#recent.push(piece);
    if (this.#recent.length < piecesPerJoin) return;
    this.#joined.push(Buffer.concat(this.#recent));
    this.#recent = [];
  }

  toBuffer(): Buffer {
    return Buffer.concat([...this.#joined, ...this.#recent], this.#length);
  }
}
