import { callerContext } from "../async/caller-context.js";
import { Deferred } from "../async/deferred.js";
import { settleWithin } from "../async/timers.js";
import type { GetSession, Session } from "../session/session.js";
import type { TurnFollower } from "../session/turn-follower.js";
import type { TurnEvent } from "../protocol.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import type { Slot } from "../session/turn-slots.js";
import type { RequestHandlers } from "../server-requests/handlers.js";
import { TurnExecution } from "../turns/turn-execution.js";
import type { Failure } from "../turns/turn-request.js";
import { toTurnResult } from "../turns/turn-result.js";
import { type TurnResult } from "../results/turn-result.js";
import type { TurnState } from "../results/turn-state.js";
import { runsTurn } from "./goal-requests.js";
import { announcesTurn } from "../messages/announces-turn.js";

/** How long the server may take to say that a turn runs which it has begun (ms). */
const announceGraceMs = 1_000;

/** Who is told of a goal's turns. None of the functions may throw. */
interface GoalTurnsListener {
  started(turn: TurnExecution): void;
  event(event: TurnEvent): void;
  ended(turn: TurnResult, failure: Failure | undefined): void;
}

/** The turns that the server starts on a thread and that no other handle follows, one by one. */
export class GoalTurns {
  readonly #getSession: GetSession;
  readonly #threadId: string;
  readonly #handlers: RequestHandlers | undefined;
  readonly #listener: GoalTurnsListener;
  /** That of the call that has set the goal. */
  readonly #context = callerContext();
  #running: TurnExecution | undefined;
  #started = new Deferred<void>();
  /** Whether the goal is over, and what still runs is nobody's. */
  #isOver = false;

  constructor(
    getSession: GetSession,
    threadId: string,
    handlers: RequestHandlers | undefined,
    listener: GoalTurnsListener,
  ) {
    this.#getSession = getSession;
    this.#threadId = threadId;
    this.#handlers = handlers;
    this.#listener = listener;
  }

  /** The turn that runs; undefined between two. */
  get running(): TurnExecution | undefined {
    return this.#running;
  }

  get state(): TurnState | null {
    return this.#running?.state ?? null;
  }

  /** Resolves when the next turn starts. */
  get nextStart(): Promise<void> {
    return this.#started.promise;
  }

  /** Whether the server has begun a turn; waits until it is announced. */
  async isComing(session: Session, slot: Slot): Promise<boolean> {
    if (!(await runsTurn(session, this.#threadId))) return false;
    // A turn that has its slot and that is not followed here is somebody else's.
    if (!this.#running && !slot.idle()) await settleWithin(this.nextStart, announceGraceMs);
    return this.#running !== undefined;
  }

  /** Follows the turns that start from now on; returns what stops it. */
  watch(session: Session): () => void {
    const offer = (id: string, event: NotificationMessage): TurnFollower | undefined =>
      announcesTurn(event) ? this.#context(() => this.#follow(session, id)) : undefined;
    const unwatch = session.turns.watch(this.#threadId, offer, { asksFor: true });
    return () => {
      this.#isOver = true;
      unwatch();
    };
  }

  #follow(session: Session, id: string): TurnFollower {
    const isOver = (): boolean => this.#isOver;
    const request = {
      threadId: this.#threadId,
      start: {
        session,
        id,
        get looksOn() {
          return isOver();
        },
      },
      controls: {},
      handlers: this.#handlers,
    };
    const turn = new TurnExecution(this.#getSession, request, {
      event: (event) => {
        // These come to the goal itself, those outside of its turns too.
        if (event.method !== "thread/goal/updated") this.#listener.event(event);
      },
      ended: (failure) => {
        if (this.#running === turn) this.#running = undefined;
        this.#listener.ended(toTurnResult(turn.state), failure);
      },
    });
    this.#running = turn;
    this.#started.resolve();
    this.#started = new Deferred();
    this.#listener.started(turn);
    return turn.follower;
  }
}
