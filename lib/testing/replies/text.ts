import type { JsonObject } from "../json.js";
import type { ModelEvent } from "../sse-format.js";
import type { MakeId, ReplyPart, ReplyStep } from "./reply.js";

export interface TextOptions {
  /**
   * What the message is: the answer, or a remark on the way to it. `null` leaves the phase out, as
   * older models do. Default: `"final_answer"`.
   */
  readonly phase?: "final_answer" | "commentary" | null;
  /** Id of the message item. Default: a fresh one. */
  readonly id?: string;
  /** Stream the text in pieces. With `false` the message comes whole, without deltas. Default: true. */
  readonly deltas?: boolean;
  /** Pause between two pieces, in milliseconds. Default: 0. */
  readonly delayMs?: number;
}

/** The pieces of a streamed text, with gates and delays between them where a test wants them. */
export type TextPieces = string | readonly (string | ReplyPart)[];

/**
 * An assistant message. A string is streamed word by word; an array is streamed piece by piece as
 * given, and may hold `hold()` and `delay()` between the pieces.
 */
export function text(pieces: TextPieces, options: TextOptions = {}): ReplyPart {
  return message(pieces, options, true);
}

/** A remark on the way to the answer: `text()` with the phase `"commentary"`. */
export function commentary(
  pieces: TextPieces,
  options: Omit<TextOptions, "phase"> = {},
): ReplyPart {
  return message(pieces, { ...options, phase: "commentary" }, true);
}

/** A message that starts to stream and is never finished. Put a failure, a drop or a hang behind it. */
export function unfinishedText(
  pieces: TextPieces,
  options: Omit<TextOptions, "deltas"> = {},
): ReplyPart {
  return message(pieces, options, false);
}

function message(pieces: TextPieces, options: TextOptions, finished: boolean): ReplyPart {
  const { phase = "final_answer", deltas = true, delayMs = 0 } = options;
  const list = typeof pieces === "string" ? splitWords(pieces) : pieces;
  const full = list.filter((piece) => typeof piece === "string").join("");

  return {
    steps: (makeId) => {
      const id = options.id ?? makeId("msg");
      const item = (content: string): JsonObject => ({
        type: "message",
        role: "assistant",
        id,
        ...(phase === null ? {} : { phase }),
        content: [{ type: "output_text", text: content }],
      });
      const steps: ReplyStep[] = [];
      if (deltas) {
        steps.push(send({ type: "response.output_item.added", item: item("") }));
        steps.push(...streamPieces(list, id, delayMs, makeId));
      }
      if (finished) steps.push(send({ type: "response.output_item.done", item: item(full) }));
      return steps;
    },
  };
}

function streamPieces(
  pieces: readonly (string | ReplyPart)[],
  itemId: string,
  delayMs: number,
  makeId: MakeId,
): ReplyStep[] {
  return pieces.flatMap((piece, index) => {
    if (typeof piece !== "string") return piece.steps(makeId);
    const delta = send({ type: "response.output_text.delta", item_id: itemId, delta: piece });
    return delayMs > 0 && index > 0 ? [{ do: "wait", ms: delayMs }, delta] : [delta];
  });
}

/** Words with the space that follows them, so that the pieces join to the same text. */
function splitWords(value: string): string[] {
  return value.match(/\S+\s*|^\s+/gu) ?? [];
}

function send(event: ModelEvent): ReplyStep {
  return { do: "send", event };
}
