/** So many pieces are joined at a time: a million small strings take far more than their text. */
const piecesPerChunk = 1_024;

/** A text that grows piece by piece, and that can be looked at in between. */
export class GrowingText {
  #joined = "";
  #pieces: string[] = [];
  #rest = "";

  add(piece: string): void {
    this.#pieces.push(piece);
    this.#rest += piece;
    if (this.#pieces.length < piecesPerChunk) return;
    this.#joined += this.#pieces.join("");
    this.#pieces = [];
    this.#rest = "";
  }

  clear(): void {
    this.#joined = "";
    this.#pieces = [];
    this.#rest = "";
  }

  toString(): string {
    return this.#joined + this.#rest;
  }
}
