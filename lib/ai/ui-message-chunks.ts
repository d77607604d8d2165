import type { PartOf, TurnPart } from "../parts/turn-part.js";
import { CallChunks, type CallChunksOptions } from "./call-chunks.js";
import { isTextPart, TextChunks } from "./text-chunks.js";
import type { UIMessageChunk } from "./ui-message-chunk.js";

const nothing: readonly UIMessageChunk[] = [];

/**
 * Makes chunks of the AI SDK's UI message stream of the parts of one turn. Of sub-agents it shows the tool
 * calls, and what they ask, but not what they say.
 */
export class UIMessageChunks {
  readonly #texts = new TextChunks();
  readonly #calls: CallChunks;
  /** What the stream begins with; undefined before that. */
  #started: UIMessageChunk | undefined;
  /** Of which messages and calls something is missing. */
  readonly #missing = new Set<string>();

  constructor(options: CallChunksOptions = {}) {
    this.#calls = new CallChunks(options);
  }

  /** The key of the request whose answer the page is to post: the last chunks have ended the response. */
  get waitsFor(): string | undefined {
    return this.#calls.waitsFor;
  }

  next(part: TurnPart): readonly UIMessageChunk[] {
    const { origin } = part;
    if (/^(tool|request)/.test(part.type)) {
      const chunks = this.#calls.next(part, origin);
      return this.waitsFor === undefined ? chunks : [...chunks, ...this.#pause()];
    }
    if (origin) return nothing;
    return isTextPart(part) ? this.#texts.next(part) : this.#own(part);
  }

  /** The beginning of the response that goes on behind the one that has ended to ask. */
  goOn(): readonly UIMessageChunk[] {
    this.#calls.goOn();
    return [this.#started ?? { type: "start" }, { type: "start-step" }];
  }

  #pause(): readonly UIMessageChunk[] {
    return [
      ...this.#texts.close(),
      { type: "finish-step" },
      { type: "finish", finishReason: "tool-calls" },
    ];
  }

  #own(part: TurnPart): readonly UIMessageChunk[] {
    switch (part.type) {
      case "start":
        return this.#start({ threadId: part.threadId, turnId: part.turnId });
      case "plan":
        return [{ type: "data-plan", id: "plan", data: part }];
      case "diff":
        return [{ type: "data-diff", id: "diff", data: part }];
      case "usage":
        return [{ type: "message-metadata", messageMetadata: { usage: part.turn } }];
      case "retry":
        return [{ type: "data-retry", data: part, transient: true }];
      case "gap":
        for (const id of part.ids) this.#missing.add(id);
        return [{ type: "data-gap", id: "gap", data: { ids: [...this.#missing] } }];
      case "end":
        return [...this.#start({}), ...this.#end(part)];
      default:
        return nothing;
    }
  }

  #start({ threadId, turnId }: { threadId?: string; turnId?: string }): readonly UIMessageChunk[] {
    if (this.#started) return nothing;
    // With the same id each time, a stream that is replayed fills the message that is there.
    const named =
      turnId === undefined ? {} : { messageId: turnId, messageMetadata: { threadId, turnId } };
    this.#started = { type: "start", ...named };
    return [this.#started, { type: "start-step" }];
  }

  #end({ status, error, usage, finalResponse }: PartOf<"end">): readonly UIMessageChunk[] {
    // Where something is missing, the answer may be: its end has the whole.
    const isTold = this.#missing.size === 0 || finalResponse === null;
    const whole = isTold ? nothing : this.#texts.whole(finalResponse);
    if (status === "interrupted") return [...whole, { type: "abort" }];
    const failed = status !== "completed";
    const errorText = error?.title ?? "It is not known how the turn ended.";
    return [
      ...whole,
      ...(failed ? [{ type: "error", errorText } as const] : []),
      { type: "finish-step" },
      {
        type: "finish",
        finishReason: failed ? "error" : "stop",
        ...(usage ? { messageMetadata: { usage } } : {}),
      },
    ];
  }
}
