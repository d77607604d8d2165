import type { ParamsOf, ResultOf } from "../../protocol.js";
import type { ServerConnection } from "../server/server-connection.js";
import type { FakeThread } from "./fake-thread.js";
import { FakeTurn, type TurnScript, type TurnSurroundings } from "./fake-turn.js";

/** The turns of a fake server: which script each gets, and which runs on a thread now. */
export class FakeTurns {
  readonly #running = new Map<FakeThread, FakeTurn>();
  readonly #next: TurnScript[] = [];
  #script: TurnScript = (turn) => turn.reply("Hello from the fake server.");

  /** What all turns do that have no script of their own. */
  always(script: TurnScript): void {
    this.#script = script;
  }

  /** What the next turn does, or the one behind those that have been said already. */
  next(script: TurnScript): void {
    this.#next.push(script);
  }

  runningOn(threadId: string): FakeTurn | undefined {
    return [...this.#running.values()].find((turn) => turn.threadId === threadId);
  }

  /** Gives the answer to `turn/start`, and plays the turn right behind it. */
  start(
    id: string,
    params: ParamsOf<"turn/start">,
    surroundings: TurnSurroundings,
  ): ResultOf<"turn/start"> {
    const { thread } = surroundings;
    const busy = this.#running.get(thread);
    if (busy) {
      // The server takes a start on a busy thread for a steer.
      setImmediate(() => {
        busy.take(params.input, params.clientUserMessageId);
      });
      return { turn: busy.record };
    }
    const turn = new FakeTurn(id, params, surroundings);
    this.#running.set(thread, turn);
    turn.signal.addEventListener("abort", () => this.#running.delete(thread), { once: true });
    const script = this.#next.shift() ?? this.#script;
    setImmediate(() => {
      if (!turn.signal.aborted) void turn.play(script);
    });
    return { turn: turn.record };
  }

  /** A process is gone, and with it the turns of those that only it has heard of. */
  lost(connection: ServerConnection): void {
    for (const [thread, turn] of [...this.#running]) {
      thread.subscribers.delete(connection);
      if (thread.subscribers.size === 0) turn.lost();
    }
  }
}
