import type { ParamsOf, ResultOf } from "../../protocol.js";
import type { ServerConnection } from "../server/server-connection.js";
import type { FakeThread } from "./fake-thread.js";
import { FakeTurn, type TurnScript } from "./fake-turn.js";
import { RunningTurn } from "./running-turn.js";

/** What a turn needs of its server. */
interface TurnSurroundings {
  readonly thread: FakeThread;
  /** The next number that no item and no request of the server has. */
  readonly nextNumber: () => number;
  readonly crash: () => void;
}

/** The turns of a fake server: which script each gets, and which runs on a thread now. */
export class FakeTurns {
  readonly #running = new Map<FakeThread, RunningTurn>();
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

  runningOn(threadId: string): RunningTurn | undefined {
    return [...this.#running.values()].find(({ thread }) => thread.id === threadId);
  }

  /** Gives the answer to `turn/start`, and plays the turn right behind it. */
  start(
    id: string,
    params: ParamsOf<"turn/start">,
    { thread, nextNumber, crash }: TurnSurroundings,
  ): ResultOf<"turn/start"> {
    const busy = this.#running.get(thread);
    if (busy) {
      // The server takes a start on a busy thread for a steer.
      setImmediate(() => {
        busy.take(params.input, params.clientUserMessageId);
      });
      return { turn: busy.record };
    }
    const turn = new RunningTurn(id, params, thread, nextNumber);
    this.#running.set(thread, turn);
    turn.signal.addEventListener("abort", () => this.#running.delete(thread), { once: true });
    const script = this.#next.shift() ?? this.#script;
    setImmediate(() => {
      if (!turn.signal.aborted) void play(turn, script, crash);
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

async function play(turn: RunningTurn, script: TurnScript, crash: () => void): Promise<void> {
  turn.begin();
  const own = new FakeTurn(turn, crash);
  try {
    await script(own);
    turn.end("completed");
  } catch (error) {
    own.fail(error instanceof Error ? error.message : String(error));
  }
}
