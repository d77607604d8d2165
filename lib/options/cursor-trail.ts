import { createHash } from "node:crypto";

/**
 * The cursors by which a walk over a list has come, as far as they are needed to notice that they go
 * round. It keeps the newest 1,000, so a round of up to so many pages is noticed when it is complete. Of a
 * longer walk it also keeps a milestone, which is moved each time the walk has doubled in length: a longer
 * round is noticed, too, although later.
 */
export class CursorTrail {
  static readonly start = new CursorTrail([], undefined, 0);
  readonly #newest: readonly string[];
  readonly #milestone: string | undefined;
  readonly #length: number;

  private constructor(newest: readonly string[], milestone: string | undefined, length: number) {
    this.#newest = newest;
    this.#milestone = milestone;
    this.#length = length;
  }

  has(cursor: string): boolean {
    const mark = markOf(cursor);
    return mark === this.#milestone || this.#newest.includes(mark);
  }

  /** The trail that goes on with this cursor. Two walks may go on from the same page. */
  followedBy(cursor: string): CursorTrail {
    const mark = markOf(cursor);
    const length = this.#length + 1;
    const isMilestone = (length & (length - 1)) === 0;
    const newest = [...this.#newest.slice(1 - maxKept), mark];
    return new CursorTrail(newest, isMilestone ? mark : this.#milestone, length);
  }
}

const maxKept = 1_000;

/** A server may send cursors of any length. */
function markOf(cursor: string): string {
  if (cursor.length <= 64) return cursor;
  return createHash("sha256").update(cursor).digest("base64");
}
