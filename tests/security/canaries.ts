import { randomBytes } from "node:crypto";
import { inspect } from "node:util";

/** Secrets that can be recognised wherever they turn up. */
export class Canaries {
  readonly #values = new Map<string, string>();

  /** One that looks like a secret, for what it is used for. */
  of(purpose: string): string {
    let value = this.#values.get(purpose);
    if (value === undefined) {
      value = `sk-canary-${this.#values.size}-${randomBytes(6).toString("hex")}`;
      this.#values.set(purpose, value);
    }
    return value;
  }

  /** What those in a text were for. */
  in(text: string): string[] {
    return [...this.#values].flatMap(([purpose, value]) => (text.includes(value) ? [purpose] : []));
  }
}

/** All that a logger could make of an error: its text, its trace, its fields, its causes. */
export function everythingShownOf(error: unknown): string {
  const shown = [inspect(error, { depth: Infinity, maxStringLength: null, maxArrayLength: null })];
  for (let each: unknown = error; each instanceof Error; each = each.cause) {
    shown.push(
      String(each),
      each.stack ?? "",
      JSON.stringify(each),
      JSON.stringify(Object.entries(each)),
    );
  }
  return shown.join("\n");
}
