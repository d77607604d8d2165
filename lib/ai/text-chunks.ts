import type { PartOf, TurnPart } from "../parts/turn-part.js";
import type { UIMessageChunk } from "./ui-message-chunk.js";

interface OpenText {
  readonly kind: "text" | "reasoning";
  /** What was told of it since it began. Of reasoning it is not kept. */
  text: string;
  /** The section of reasoning that was told last. */
  section: string | undefined;
  /** A response that ends closes its texts: this one is to be opened again when it grows. */
  isClosed: boolean;
}

type TextPart = PartOf<
  | "message-start"
  | "message-delta"
  | "message-reset"
  | "message-end"
  | "reasoning-start"
  | "reasoning-delta"
  | "reasoning-end"
>;

/**
 * The messages and the reasoning of one turn as chunks. The AI SDK breaks off at a delta of a text that has not
 * begun, so one whose beginning is missing begins with what there is of it.
 */
export class TextChunks {
  readonly #open = new Map<string, OpenText>();
  /** The text of the message that has ended last. */
  #told = "";

  next(part: TextPart): readonly UIMessageChunk[] {
    const { id } = part;
    switch (part.type) {
      case "message-start":
        return this.#begin(id, "text", part.phase);
      case "message-delta": {
        const begun = this.#grow(id, "text");
        const open = this.#open.get(id);
        if (open) open.text += part.delta;
        return [...begun, { type: "text-delta", id, delta: part.delta }];
      }
      case "message-reset":
        // The protocol takes no text back: the page may hide what is marked.
        return this.#end(id, { reset: true });
      case "message-end":
        this.#told = this.#open.get(id)?.text ?? "";
        return this.#end(id, { phase: part.phase, cut: part.cut });
      case "reasoning-start":
        return this.#begin(id, "reasoning");
      case "reasoning-delta":
        return this.#reasoning(part);
      default:
        return this.#end(id);
    }
  }

  /** Closes what is open: the next response knows nothing of it. */
  close(): readonly UIMessageChunk[] {
    const open = [...this.#open].filter(([, { isClosed }]) => !isClosed);
    return open.map(([id, text]): UIMessageChunk => {
      text.isClosed = true;
      return { type: `${text.kind}-end`, id };
    });
  }

  /** The last message by itself, unless it was told as a whole. */
  whole(text: string): readonly UIMessageChunk[] {
    if (this.#told === text) return [];
    const id = "whole";
    return [
      { type: "text-start", id },
      { type: "text-delta", id, delta: text },
      { type: "text-end", id },
    ];
  }

  #begin(id: string, kind: OpenText["kind"], phase?: string | null): readonly UIMessageChunk[] {
    this.#open.set(id, { kind, text: "", section: undefined, isClosed: false });
    if (kind === "reasoning") return [{ type: "reasoning-start", id }];
    if (phase === undefined) return [{ type: "text-start", id }];
    return [{ type: "text-start", id, providerMetadata: { codex: { phase } } }];
  }

  #grow(id: string, kind: OpenText["kind"]): readonly UIMessageChunk[] {
    const open = this.#open.get(id);
    if (!open) return this.#begin(id, kind);
    if (!open.isClosed) return [];
    open.isClosed = false;
    return [{ type: `${kind}-start`, id }];
  }

  #end(
    id: string,
    codex?: Readonly<Record<string, string | boolean | null>>,
  ): readonly UIMessageChunk[] {
    const open = this.#open.get(id);
    this.#open.delete(id);
    if (!open || open.isClosed) return [];
    if (open.kind === "reasoning") return [{ type: "reasoning-end", id }];
    return [{ type: "text-end", id, ...(codex ? { providerMetadata: { codex } } : {}) }];
  }

  #reasoning({ id, section, raw, delta }: PartOf<"reasoning-delta">): readonly UIMessageChunk[] {
    const begun = this.#grow(id, "reasoning");
    const key = `${section} ${raw === true}`;
    const open = this.#open.get(id);
    const before = open?.section;
    if (open) open.section = key;
    const isNext = before !== undefined && before !== key;
    return [...begun, { type: "reasoning-delta", id, delta: isNext ? `\n\n${delta}` : delta }];
  }
}

/** Whether a part is about a message or about reasoning. */
export function isTextPart(part: TurnPart): part is TurnPart & TextPart {
  return /^(message|reasoning)-/.test(part.type);
}
