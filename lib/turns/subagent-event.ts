import type { TurnEvent } from "../protocol.js";
import type { EventOrigin } from "./subagents.js";

/** An event of a sub-agent, on its way through the turn's queue. */
export class SubagentEvent {
  readonly event: TurnEvent;
  readonly origin: EventOrigin;

  constructor(event: TurnEvent, origin: EventOrigin) {
    this.event = event;
    this.origin = origin;
  }
}
