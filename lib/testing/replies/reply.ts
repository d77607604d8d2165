import type { JsonValue } from "../json.js";
import type { ModelEvent } from "../sse-format.js";

/** One thing the model server does while it answers a request. */
export type ReplyStep = SendStep | PauseStep | StopStep;

export interface SendStep {
  readonly do: "send";
  readonly event: ModelEvent;
}

/** Waits: for a time in milliseconds, or for a gate. */
export type PauseStep =
  { readonly do: "wait"; readonly ms: number } | { readonly do: "hold"; readonly hold: HoldPart };

/** Ends the answer without the closing event: by ending the body, cutting the socket, or never. */
export interface StopStep {
  readonly do: "stop";
  readonly how: "end" | "drop" | "hang";
}

/** Gives an id that no other reply of this model server has, such as `"msg_3"`. */
export type MakeId = (prefix: string) => string;

/**
 * A part of a streamed reply. Parts are templates: one part may be used in many replies, and gets
 * fresh ids each time it is sent.
 */
export interface ReplyPart {
  steps(makeId: MakeId): readonly ReplyStep[];
  /** HTTP headers of the answer that this part is in. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The token counts that the answer reports. The last part that has some wins. */
  readonly usage?: ModelUsage;
}

/**
 * A gate in a stream: everything behind it waits until `release()`. A gate serves one reply;
 * once released it stays open.
 */
export interface HoldPart extends ReplyPart {
  /** Resolves when a stream has arrived at the gate; all events before it are written by then. */
  readonly reached: Promise<void>;
  /** Resolves when the gate is open. */
  readonly released: Promise<void>;
  /** Opens the gate. Calling it again does nothing. */
  release(): void;
  /** For the model server: says that a stream is at the gate. */
  arrive(): void;
}

/** A whole answer that is no stream: a status and a body. */
export interface HttpReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Sent as it is when a string, else as JSON. */
  readonly body: JsonValue;
}

/** One answer of the model: a part, several parts in one response, or a plain HTTP answer. */
export type Reply = ReplyPart | readonly ReplyPart[] | HttpReply;

/** Token counts. Fields that are left out count as 0, and `totalTokens` is then the sum. */
export interface ModelUsage {
  readonly inputTokens?: number;
  /** The part of `inputTokens` that was read from the cache. */
  readonly cachedInputTokens?: number;
  readonly outputTokens?: number;
  /** The part of `outputTokens` that was spent on reasoning. */
  readonly reasoningOutputTokens?: number;
  readonly totalTokens?: number;
}

export function isHttpReply(reply: Reply): reply is HttpReply {
  return "status" in reply;
}

export function partsOf(reply: ReplyPart | readonly ReplyPart[]): readonly ReplyPart[] {
  return "steps" in reply ? [reply] : reply;
}

/** A part that only sends events. */
export function eventsPart(events: (makeId: MakeId) => readonly ModelEvent[]): ReplyPart {
  return {
    steps: (makeId) => events(makeId).map((event) => ({ do: "send", event })),
  };
}
