import { MessageUpdates, type MessageUpdate } from "../turns/message-updates.js";
import type { SomeEvent } from "../messages/superseding.js";
import { textOf } from "./loose-fields.js";
import type { PartBody } from "./turn-part.js";

/** The assistant's messages of one turn, as parts. */
export class MessageParts {
  readonly #updates = new MessageUpdates();
  readonly #open = new Set<string>();

  next(event: SomeEvent): readonly PartBody[] {
    const updates = this.#updates.next(event);
    // Most events are deltas, which have one update.
    const [first] = updates;
    if (updates.length === 1 && first?.type === "delta" && this.#open.has(first.id)) {
      return [{ type: "message-delta", id: first.id, delta: first.delta }];
    }
    return updates.flatMap((update) => this.#tell(update));
  }

  /** The turn is over; what is open is cut. */
  end(): readonly PartBody[] {
    return this.next({ method: "turn/completed", params: {} });
  }

  #tell(update: MessageUpdate): readonly PartBody[] {
    const { type, id } = update;
    // What a server sends need not be what the type says.
    const phase = textOf(update.phase) ?? null;
    switch (type) {
      case "started":
        this.#open.add(id);
        return [{ type: "message-start", id, phase }];
      case "delta":
        return [...this.#restart(update), { type: "message-delta", id, delta: update.delta }];
      case "reset":
        return this.#open.delete(id) ? [{ type: "message-reset", id }] : [];
      default: {
        const begun = this.#restart(update);
        this.#open.delete(id);
        return [...begun, { type: "message-end", id, phase, cut: type === "cut" }];
      }
    }
  }

  /** A message that was reset goes on under its id. */
  #restart(update: MessageUpdate): readonly PartBody[] {
    return this.#open.has(update.id) ? [] : this.#tell({ ...update, type: "started" });
  }
}
