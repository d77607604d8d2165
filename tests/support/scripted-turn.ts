import { EventQueue } from "../../lib/async/event-queue.js";
import type { Turn, TurnEvent } from "../../lib/index.js";

/** A turn whose events a test gives, for what only looks at its stream. */
export class ScriptedTurn {
  readonly threadId: string;
  readonly id = "turn-1";
  readonly state = { status: "inProgress" };
  /** What was done to it. */
  readonly calls: string[] = [];
  readonly #events = new EventQueue<TurnEvent>(() => {
    this.calls.push("left");
  });

  constructor(threadId = "thread-1") {
    this.threadId = threadId;
  }

  /** For those who take a turn. */
  get turn(): Turn {
    return this as unknown as Turn;
  }

  stream(): EventQueue<TurnEvent> {
    return this.#events;
  }

  start(): this {
    this.#tell("turn/started", { turn: { id: this.id, items: [], status: "inProgress" } });
    const item = { type: "agentMessage", id: "m", text: "", phase: "final_answer" };
    this.#tell("item/started", { item });
    return this;
  }

  say(delta: string): this {
    this.#tell("item/agentMessage/delta", { itemId: "m", delta });
    return this;
  }

  /** Asks whether it may run a command. */
  ask(key: string): this {
    const ids = { threadId: this.threadId, turnId: this.id, itemId: key };
    const event = { method: "item/commandExecution/requestApproval", key, requestId: key };
    this.#events.push({ ...event, params: { ...ids, command: "make" } } as unknown as TurnEvent);
    return this;
  }

  end(status = "completed"): this {
    this.state.status = status;
    this.#tell("turn/completed", { turn: { id: this.id, items: [], status } });
    this.#events.end();
    return this;
  }

  interrupt(): Promise<void> {
    this.calls.push("interrupt");
    this.end("interrupted");
    return Promise.resolve();
  }

  #tell(method: string, params: object): void {
    const ids = { threadId: this.threadId, turnId: this.id };
    this.#events.push({ method, params: { ...ids, ...params } } as unknown as TurnEvent);
  }
}
