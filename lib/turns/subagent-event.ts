import type { TurnEvent } from "../protocol.js";

/** An event of a sub-agent, on its way through the turn's queue. */
export class SubagentEvent {
  readonly event: TurnEvent;
  readonly origin: EventOrigin;

  constructor(event: TurnEvent, origin: EventOrigin) {
    this.event = event;
    this.origin = origin;
  }
}

/** The turn that an event comes from: the turn itself, or one of its sub-agents. */
export interface EventOrigin {
  readonly threadId: string;
  readonly turnId: string;
  /** The thread that started this one; `null` for the turn's own events. */
  readonly parentThreadId: string | null;
  /** 0 for the turn itself, 1 for the sub-agents it has started, 2 for theirs, and so on. */
  readonly depth: number;
}
