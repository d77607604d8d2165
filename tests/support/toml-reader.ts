/** What TOML says: tables as maps, by sorted keys, since a key may have any name. */
export type TomlTree = string | number | boolean | TomlTree[] | Map<string, TomlTree>;

/**
 * What assignments such as `a.b={c=[1]}` say together, read by the rules that the server has for its
 * `-c`: the key is cut at every dot, the value is a literal, and tables are merged.
 */
export function readAssignments(assignments: readonly string[]): TomlTree {
  const root = new Map<string, TomlTree>();
  for (const assignment of assignments) {
    const equals = assignment.indexOf("=");
    const path = assignment.slice(0, equals).split(".");
    const reader = new LiteralReader(assignment.slice(equals + 1));
    const value = reader.value();
    reader.end();
    let table = root;
    for (const name of path.slice(0, -1)) {
      const inner = table.get(name) ?? new Map<string, TomlTree>();
      if (!(inner instanceof Map)) throw new Error(`${name} is no table`);
      table.set(name, inner);
      table = inner;
    }
    const last = path.at(-1) ?? "";
    if (table.has(last)) throw new Error(`${last} is said twice`);
    table.set(last, value);
  }
  return sorted(root);
}

class LiteralReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): TomlTree {
    const next = this.#text[this.#at];
    if (next === '"') return this.#string();
    if (next === "[") return this.#list("]", () => this.value());
    if (next === "{") {
      const table = new Map<string, TomlTree>();
      this.#list("}", () => {
        const key = this.#text[this.#at] === '"' ? this.#string() : this.#word(/[A-Za-z0-9_-]+/y);
        this.#expect("=");
        if (table.has(key)) throw new Error(`${key} is said twice`);
        table.set(key, this.value());
      });
      return sorted(table);
    }
    const word = this.#word(/[A-Za-z0-9+.-]+/y);
    if (word === "true" || word === "false") return word === "true";
    if (!/^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:e[+-]?\d+)?$/.test(word))
      throw new Error(`what is ${word}?`);
    if (/^-?\d+$/.test(word)) {
      const integer = BigInt(word);
      if (integer !== BigInt.asIntN(64, integer)) throw new Error(`${word} has over 64 bits`);
    }
    return Number(word) === 0 ? 0 : Number(word);
  }

  end(): void {
    if (this.#at !== this.#text.length) throw new Error("there is more than a value");
  }

  #string(): string {
    this.#expect('"');
    let text = "";
    for (;;) {
      const character = this.#text[this.#at];
      this.#at += 1;
      if (character === undefined) throw new Error("a string without an end");
      if (character === '"') return text;
      if (character !== "\\") {
        if (character < " " || character === "\u007f") throw new Error("a bare control character");
        text += character;
        continue;
      }
      const escape = this.#text[this.#at] ?? "";
      this.#at += 1;
      if (escape === "u") {
        const code = this.#word(/[0-9a-fA-F]{4}/y);
        if (/^d[89a-f]/i.test(code)) throw new Error("half a character");
        text += String.fromCharCode(Number.parseInt(code, 16));
      } else {
        const meant = escapes.get(escape);
        if (meant === undefined) throw new Error(`no escape: ${escape}`);
        text += meant;
      }
    }
  }

  #list<T>(close: string, item: () => T): T[] {
    this.#at += 1;
    const items: T[] = [];
    while (this.#text[this.#at] !== close) {
      if (items.length > 0) this.#expect(",");
      items.push(item());
    }
    this.#at += 1;
    return items;
  }

  #word(pattern: RegExp): string {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text)?.[0];
    if (found === undefined) throw new Error(`unexpected: ${this.#text.slice(this.#at, 20)}`);
    this.#at += found.length;
    return found;
  }

  #expect(character: string): void {
    if (this.#text[this.#at] !== character) throw new Error(`${character} is missing`);
    this.#at += 1;
  }
}

const escapes = new Map([
  ["b", "\b"],
  ["t", "\t"],
  ["n", "\n"],
  ["f", "\f"],
  ["r", "\r"],
  ['"', '"'],
  ["\\", "\\"],
]);

function sorted(table: Map<string, TomlTree>): Map<string, TomlTree> {
  const entries = [...table].map(([key, value]): [string, TomlTree] => [
    key,
    value instanceof Map ? sorted(value) : value,
  ]);
  return new Map(entries.sort(([one], [other]) => (one < other ? -1 : 1)));
}
