import { textOf, type Fields } from "./loose-fields.js";
import type { PartBody } from "./turn-part.js";

const phase = "plan";

/** The plans that are proposed in plan mode: text, which is shown as messages of the phase `"plan"`. */
export class PlanTextParts {
  /** The open ones, with the text that was told. */
  readonly #open = new Map<string, string>();

  started(id: string): readonly PartBody[] {
    this.#open.set(id, "");
    return [{ type: "message-start", id, phase }];
  }

  delta(id: string, delta: string): readonly PartBody[] {
    const told = this.#open.get(id);
    if (told === undefined || delta === "") return [];
    this.#open.set(id, told + delta);
    return [{ type: "message-delta", id, delta }];
  }

  completed(id: string, item: Fields): readonly PartBody[] {
    const parts: PartBody[] = [];
    let told = this.#open.get(id);
    const text = textOf(item["text"]) ?? told ?? "";
    if (told !== undefined && !text.startsWith(told)) {
      parts.push({ type: "message-reset", id });
      told = undefined;
    }
    if (told === undefined) parts.push(...this.started(id));
    parts.push(...this.delta(id, text.slice(told?.length ?? 0)), ...this.#close(id, false));
    return parts;
  }

  end(): readonly PartBody[] {
    return [...this.#open.keys()].flatMap((id) => this.#close(id, true));
  }

  #close(id: string, cut: boolean): readonly PartBody[] {
    this.#open.delete(id);
    return [{ type: "message-end", id, phase, cut }];
  }
}
