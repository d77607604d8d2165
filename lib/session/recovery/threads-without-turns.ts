import { ProtocolError, TransportClosedError } from "../../errors/connection-errors.js";
import { retryOnOverload } from "../../jsonrpc/retry.js";
import { idOf } from "../../messages/id-of.js";
import type { OpeningSession } from "../opening-session.js";
import { resumeThread } from "../resume-thread.js";
import type { TurnRoutes } from "../turn-routes.js";

interface RecoveringSession extends OpeningSession {
  readonly signal: AbortSignal;
  readonly turns: TurnRoutes;
}

/**
 * Sees to the threads whose connection dropped before their first turn (`isUnstored`). The server stores a
 * thread with its first turn, and resumes only what is stored; but as long as it has the thread loaded, which
 * is for a minute, it takes a turn. So these are resumed right behind the answer to their first `turn/start`;
 * what came before that is read.
 */
export class ThreadsWithoutTurns {
  readonly #session: RecoveringSession;
  readonly #stopTurn: (threadId: string, turnId: string) => void;

  /** `stopTurn` stops a turn that nobody can follow. It returns at once, and never throws. */
  constructor(session: RecoveringSession, stopTurn: (threadId: string, turnId: string) => void) {
    this.#session = session;
    this.#stopTurn = stopTurn;
  }

  /** @throws ThreadNotFoundError for what starts a turn whose beginning must not be missed. */
  async beforeRequest(threadId: string, method: string): Promise<void> {
    if (namesNoTurn.has(method)) await this.#resume(threadId);
  }

  /** To be called when the request was answered, before anybody else learns of that. */
  async afterRequest(threadId: string, method: string, answer: unknown): Promise<void> {
    if (method !== "turn/start" && method !== "review/start") return;
    try {
      await this.#resume(threadId);
    } catch (error) {
      if (error instanceof TransportClosedError) throw error;
      // Nobody would see what the turn does, nor answer what it asks.
      this.#stopTurn(threadId, idOf("turn", answer));
      const problem = `${method} was answered, but the thread cannot be followed any more. The turn is interrupted.`;
      throw new ProtocolError(problem, { cause: error });
    }
    this.#session.turns.of(threadId)?.missed();
  }

  async #resume(threadId: string): Promise<void> {
    const resume = () => resumeThread(this.#session, { threadId, excludeTurns: true });
    await retryOnOverload(resume, { signal: this.#session.signal });
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
