import { ProtocolError, TransportClosedError } from "../../errors/connection-errors.js";
import type { OpeningSession } from "../opening-session.js";
import { idOf, threadIdIn } from "../../messages/id-of.js";
import type { Threads } from "../threads.js";
import { retryOnOverload } from "../../jsonrpc/retry.js";
import type { TurnRoutes } from "../turn-routes.js";
import { resumeThread } from "../resume-thread.js";

/** Stops a turn that nobody can follow. Returns at once, and never throws. */
export type StopTurn = (threadId: string, turnId: string) => void;

type Opening = OpeningSession & { readonly signal: AbortSignal };

/** A request that was answered. */
interface Answered {
  readonly threadId: string;
  readonly method: string;
  readonly answer: unknown;
}

/**
 * Threads whose connection dropped before their first turn. The server stores a thread with its
 * first turn, and resumes only what is stored; but as long as it has the thread loaded, which is for
 * a minute, it takes a turn. So these are resumed right behind the answer to their first
 * `turn/start`; what came before that is read.
 */
export class ThreadsWithoutTurns {
  readonly #threads: Threads;
  readonly #turns: TurnRoutes;
  readonly #stopTurn: StopTurn;
  readonly #ids = new Set<string>();

  constructor(threads: Threads, turns: TurnRoutes, stopTurn: StopTurn) {
    this.#stopTurn = stopTurn;
    this.#threads = threads;
    this.#turns = turns;
  }

  add(threadId: string): void {
    this.#ids.add(threadId);
  }

  delete(threadId: string): void {
    this.#ids.delete(threadId);
  }

  /** The thread that a request is about, if it is one of these. */
  named(params: unknown): string | undefined {
    if (this.#ids.size === 0) return undefined;
    const threadId = threadIdIn(params);
    if (threadId === undefined || !this.#ids.has(threadId)) return undefined;
    if (this.#threads.find(threadId)?.isLoaded) return threadId;
    // The server has unloaded it, and with that it is gone.
    this.#ids.delete(threadId);
    return undefined;
  }

  /**
   * To be called before a request about such a thread is sent.
   *
   * @throws ThreadNotFoundError for what starts a turn whose beginning must not be missed.
   */
  async before(session: Opening, threadId: string, method: string): Promise<void> {
    if (namesNoTurn.has(method)) await this.#resume(session, threadId);
  }

  /** To be called when the request was answered, before anybody else learns of that. */
  async after(session: Opening, { threadId, method, answer }: Answered): Promise<void> {
    if (method === "thread/resume") this.#ids.delete(threadId);
    if (method !== "turn/start" && method !== "review/start") return;
    try {
      await this.#resume(session, threadId);
    } catch (error) {
      if (error instanceof TransportClosedError) throw error;
      // Nobody would see what the turn does, nor answer what it asks.
      this.#stopTurn(threadId, idOf("turn", answer));
      const problem = `${method} was answered, but the thread cannot be followed any more. The turn is interrupted.`;
      throw new ProtocolError(problem, { cause: error });
    }
    this.#turns.missed(threadId);
  }

  async #resume(session: Opening, threadId: string): Promise<void> {
    const resume = () => resumeThread(session, { threadId, excludeTurns: true });
    await retryOnOverload(resume, { signal: session.signal });
    this.#ids.delete(threadId);
  }
}

/** They start a turn, or may, but their answers do not tell its id. */
const namesNoTurn = new Set([
  "thread/compact/start",
  "thread/shellCommand",
  "thread/goal/set",
  "thread/queue/add",
  "thread/queue/start",
]);
