/** Something in the binary's export that the generator has no picture for, and what it made of it. */
export interface Note {
  /** A method, a type, or a field of one, such as `Thread.status`. */
  readonly where: string;
  /** What the generated files say instead. */
  readonly what: string;
  readonly why: string;
}

/**
 * What the generator took without knowing it. Each note is an open question to a developer and none keeps
 * anybody from using a new release; what would make the generated files wrong is thrown instead.
 */
export class Notes {
  readonly #notes = new Map<string, Note>();

  add(where: string, what: string, why: string): void {
    this.#notes.set(JSON.stringify([where, what]), { where, what, why });
  }

  /** Each note once, in the order of the places. */
  list(): readonly Note[] {
    const keys = [...this.#notes.keys()].sort();
    return keys.flatMap((key) => this.#notes.get(key) ?? []);
  }
}

/** One line for a person. */
export function renderNote({ where, what, why }: Note): string {
  return `${where}: ${what}, since ${why}`;
}
