import type { MessagePhase, ThreadItem } from "../../generated/types.js";
import type { SomeEvent } from "../messages/superseding.js";
import { GrowingText } from "./text-merge.js";
import { isItem, isRetryNotice } from "./turn-state.js";

/**
 * A step in the life of one of the assistant's messages, as `messages()` yields it. `text` is always the
 * whole text of the message at this moment: who shows it under `turnId` and `id` need not look at `type`.
 *
 * - `"started"`: the message begins, with an empty `text`.
 * - `"delta"`: it grows by `delta`. Its deltas since it started, or was reset, make up its `text`.
 * - `"completed"`: it is whole, and stands with this `text` in `result.items`.
 * - `"cut"`: it will not be completed, since the turn was steered or has ended. It stands with the `text`
 *   that has come in `result.items`.
 * - `"reset"`: what has come of it is to be taken back; `text` is empty. The model broke off and was asked
 *   again, and says it anew: mostly as a message with another id, which starts right behind.
 */
export type MessageUpdate = MessageFacts &
  (
    | { readonly type: "started" | "completed" | "cut" | "reset" }
    | { readonly type: "delta"; readonly delta: string }
  );

export interface MessageFacts {
  readonly turnId: string;
  /** The item's id. A model may use it again in another turn. */
  readonly id: string;
  /**
   * What the message is: the answer, or a remark on the way to it. `null` while the model has not said,
   * which some models never do.
   */
  readonly phase: MessagePhase | null;
  readonly text: string;
}

interface OpenMessage {
  readonly id: string;
  phase: MessagePhase | null;
  readonly told: GrowingText;
  /** What it has begun with. It is told when the message goes on; of one that does not, nothing is. */
  head: string;
  /** Whether the model broke off, and has not gone on since. */
  isBroken: boolean;
}

/** A message as far as a server need have sent it. */
interface SomeMessage {
  readonly id: string;
  readonly phase?: MessagePhase | null;
  readonly text?: unknown;
}

type Fields = Readonly<Record<string, unknown>>;

const nothing: readonly MessageUpdate[] = [];

/** Reads the lives of the assistant's messages out of the events of a turn, or of a goal's turns. */
export class MessageUpdates {
  #turnId = "";
  /** A model writes one message at a time. */
  #open: OpenMessage | undefined;
  /** Messages whose beginning, or middle, is missing: they are told when they are whole. */
  readonly #headless = new Set<string>();
  readonly #completed = new Set<string>();
  #updates: MessageUpdate[] = [];

  /** These items of the turn have begun before the first event that comes. */
  joined(turnId: string, openItems: readonly ThreadItem[]): void {
    this.#turnId = turnId;
    for (const { id } of openItems) this.#headless.add(id);
  }

  next(event: SomeEvent): readonly MessageUpdate[] {
    switch (event.method) {
      case "item/started":
      case "item/agentMessage/delta":
      case "item/completed":
      case "turn/completed":
        this.#updates = [];
        this.#learn(event);
        return this.#updates;
      case "error":
        if (this.#open && isRetryNotice(event)) this.#open.isBroken = true;
        return nothing;
      default:
        return nothing;
    }
  }

  /** What a server sends need not be what the types say. */
  #learn({ method, params }: SomeEvent): void {
    const { turnId, item, itemId, delta, turn } = (params ?? {}) as Fields;
    if (method === "item/agentMessage/delta") {
      if (typeof itemId === "string" && typeof delta === "string")
        this.#grow(turnId, itemId, delta);
    } else if (method === "turn/completed") {
      this.#end((turn ?? {}) as Fields);
    } else if (isMessage(item)) {
      this.#enter(turnId);
      if (method === "item/started") this.#begin(item);
      else this.#complete(item);
    }
  }

  /** What another turn does has nothing to do with the one before. */
  #enter(turnId: unknown): void {
    if (typeof turnId !== "string" || turnId === this.#turnId) return;
    this.#leave("cut");
    this.#turnId = turnId;
    this.#headless.clear();
    this.#completed.clear();
  }

  #begin(item: SomeMessage): OpenMessage {
    const { id, isBroken } = this.#open ?? {};
    this.#leave(isBroken === true || id === item.id ? "reset" : "cut");
    this.#open = this.#tellStart(item);
    return this.#open;
  }

  #tellStart({ id, phase = null, text }: SomeMessage): OpenMessage {
    this.#headless.delete(id);
    const head = typeof text === "string" ? text : "";
    const message = { id, phase, told: new GrowingText(), head, isBroken: false };
    this.#tell(message, "started");
    return message;
  }

  #grow(turnId: unknown, id: string, delta: string): void {
    this.#enter(turnId);
    if (delta === "" || this.#headless.has(id)) return;
    const message = this.#open?.id === id ? this.#open : this.#begin({ id });
    this.#append(message, message.head + delta);
    message.head = "";
    message.isBroken = false;
  }

  /** The whole message has the last word on its text. */
  #complete(item: SomeMessage): void {
    const open = this.#open?.id === item.id ? this.#open : undefined;
    if (!open && typeof item.text !== "string") return;
    // What was missed of the messages comes whole, while another one may go on.
    if (!open && this.#open?.isBroken) this.#leave("reset");
    const message = open ?? this.#tellStart(item);
    message.phase = item.phase ?? null;
    const told = message.told.toString();
    const text = typeof item.text === "string" ? item.text : told;
    const goesOn = text.startsWith(told);
    if (!goesOn) {
      message.told.clear();
      this.#tell(message, "reset");
    }
    this.#append(message, goesOn ? text.slice(told.length) : text);
    this.#tell(message, "completed");
    this.#completed.add(message.id);
    if (open) this.#open = undefined;
  }

  #end({ id, items }: Fields): void {
    this.#enter(id);
    // This copy may have a message whose completion did not come.
    for (const item of Array.isArray(items) ? (items as unknown[]) : []) {
      if (isMessage(item) && !this.#completed.has(item.id)) this.#complete(item);
    }
    this.#leave("cut");
  }

  /** What is open will not be completed. Should it go on all the same, it is told when it is whole. */
  #leave(type: "cut" | "reset"): void {
    const message = this.#open;
    if (!message) return;
    this.#open = undefined;
    this.#headless.add(message.id);
    if (type === "reset") message.told.clear();
    this.#tell(message, type);
  }

  #append(message: OpenMessage, delta: string): void {
    if (delta === "") return;
    message.told.add(delta);
    const { id, phase } = message;
    const text = message.told.toString();
    this.#updates.push({ type: "delta", turnId: this.#turnId, id, phase, text, delta });
  }

  #tell({ id, phase, told }: OpenMessage, type: Exclude<MessageUpdate["type"], "delta">): void {
    const text = told.toString();
    this.#updates.push({ type, turnId: this.#turnId, id, phase, text });
  }
}

function isMessage(item: unknown): item is SomeMessage {
  return isItem(item) && item.type === "agentMessage";
}
