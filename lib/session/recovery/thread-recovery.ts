import type { Thread as ThreadRecord } from "../../../generated/types.js";
import { inParallel } from "../../async/in-parallel.js";
import { AppServerError } from "../../errors/base.js";
import { RequestTimeoutError, TransportClosedError } from "../../errors/connection-errors.js";
import { ThreadNotFoundError } from "../../errors/rpc-errors.js";
import { Pages } from "../../options/pages.js";
import type { TurnIdentity } from "../../usage/turn-account.js";
import type { Call } from "../call.js";
import type { OpeningSession } from "../opening-session.js";
import type { RequestDispatcher } from "../requests/dispatcher.js";
import { resumeThread } from "../resume-thread.js";
import type { SubagentTree } from "../subagent-tree.js";
import type { TurnRoutes } from "../turn-routes.js";
import { readRunningTurn } from "./running-turn.js";

/** What is known of threads, and has to be learnt anew. */
interface RecoveredSession extends OpeningSession {
  readonly turns: TurnRoutes;
  readonly requests: RequestDispatcher;
  turnFound(turn: TurnIdentity, rootTurnId: string | null | undefined): void;
}

/** How many threads are resumed at a time: a server that has just started reads them from its disk. */
const atOnce = 16;

/** How many of them may get no answer, if none gets one, before the connection is given up. */
const maxTimeouts = 3;

/**
 * Brings the threads of a client back when its connection was replaced: it is subscribed to none of
 * them any more, and whatever happened in between was not told. The server may be another process.
 */
export class ThreadRecovery {
  readonly #session: RecoveredSession;
  readonly #subagents: SubagentTree;
  readonly #lost = new Set<string>();

  constructor(session: RecoveredSession, subagents: SubagentTree) {
    this.#session = session;
    this.#subagents = subagents;
  }

  /** Tells once which threads could not be resumed, over however many connections that was tried. */
  takeLost(): readonly string[] {
    const lost = [...this.#lost];
    this.#lost.clear();
    return lost;
  }

  /** @throws TransportClosedError when the connection is lost again; RequestTimeoutError when it is deaf. */
  async run(call: Call): Promise<void> {
    const { threads, turns, requests } = this.#session;
    const ids = new Set([
      ...threads.idsOf(({ isLoaded }) => isLoaded),
      // Another connection may bring back what the last one could not.
      ...this.#lost,
      // Sub-agents: nobody has resumed them, but the new connection is not told of them either.
      ...turns.threadIds(),
      ...threads.idsOf(({ slots }) => slots.isRunning),
      ...requests.recovery.threadIds(),
    ]);
    await this.#during(call, ids, (run) =>
      inParallel([...ids], atOnce, (id) => this.#restore(id, run)),
    );
  }

  /**
   * Resumes the sub-agents that work for a turn whose thread has just been loaded, unless they are loaded.
   *
   * @throws TransportClosedError
   */
  async findSubagents(id: string, turnId: string, call: Call): Promise<void> {
    const loaded = this.#session.threads.idsOf(({ isLoaded }) => isLoaded);
    await this.#during(call, new Set([id, ...loaded]), (run) =>
      this.#findSubagents(id, run, turnId),
    );
  }

  async #during(
    call: Call,
    known: Set<string>,
    restore: (run: Run) => Promise<void>,
  ): Promise<void> {
    const begun = new Set<string>();
    const stop = this.#session.on("turn/started", ({ params }) => begun.add(params.threadId));
    try {
      const { memory, logger, threads } = this.#session;
      const on: OpeningSession["on"] = (...args) => this.#session.on(...args);
      const session = { call, memory, threads, logger, on };
      await restore({ session, begun, known, timeouts: 0, hasAnswered: false });
    } finally {
      stop();
    }
  }

  async #restore(id: string, run: Run): Promise<void> {
    const { threads, turns } = this.#session;
    const requests = this.#session.requests.recovery;
    const { session, begun } = run;
    try {
      begun.delete(id);
      this.#inheritSandbox(id);
      const params = { threadId: id, excludeTurns: true };
      const { thread } = await resumeThread(session, params);
      run.hasAnswered = true;
      this.#lost.delete(id);
      const { type = "notLoaded" } = (thread as Partial<ThreadRecord>).status ?? {};
      // The handles are told only when all is back, and by then the status may be another one.
      const isActive = type === "active" || begun.has(id);
      turns.of(id)?.setStatus(isActive ? "active" : type);
      if (!isActive) {
        threads.find(id)?.slots.setRunning(false);
        requests.over(id, "turnEnded");
        return;
      }
      if (requests.hasOld(id)) {
        // The open ones are sent again behind the answer, so before the next one of this kind.
        await resumeThread(session, params);
        requests.over(id, "resolved");
      }
      if (turns.of(id)?.isOnlyWatched) await this.#offerTurn(id, session.call);
      await this.#findSubagents(id, run);
    } catch (error) {
      if (error instanceof TransportClosedError) throw error;
      if (error instanceof RequestTimeoutError) run.timeouts += 1;
      else run.hasAnswered = true;
      // Some threads may be too much for the server; when it takes nothing up, this is no connection.
      if (!run.hasAnswered && run.timeouts >= maxTimeouts) throw error;
      await this.#giveUp(id, error, session.call);
    }
  }

  /** A sub-agent has the sandbox of the thread that it works for; the server tells of that one only. */
  #inheritSandbox(id: string): void {
    const { memory } = this.#session;
    const parent = this.#subagents.parentOf(id);
    if (parent && !memory.settingsOf(id).sandbox) {
      memory.learn(id, { sandbox: memory.settingsOf(parent.threadId).sandbox });
    }
  }

  /** Those that were started meanwhile: an approval of theirs would wait for ever. */
  async #findSubagents(id: string, run: Run, turnId?: string): Promise<void> {
    const found = await listActiveSubagents(id, run.session.call);
    for (const child of found) {
      if (run.known.has(child.id)) continue;
      run.known.add(child.id);
      const threadId = child.parentThreadId ?? id;
      // Whose handlers answer depends on it. One turn runs on a thread at a time.
      this.#subagents.learn(child.id, { threadId, turnId: threadId === id ? turnId : undefined });
      await this.#restore(child.id, run);
    }
  }

  /** To those who wait for turns that nobody here has asked for. */
  async #offerTurn(threadId: string, call: Call): Promise<void> {
    const turn = await readRunningTurn(threadId, call);
    if (!turn) return;
    const started = { method: "turn/started", params: { threadId, turn } };
    this.#session.turns.begunMeanwhile(threadId, turn.id, started);
    this.#session.turnFound({ threadId, turnId: turn.id }, turn.rootTurnId);
  }

  async #giveUp(id: string, error: unknown, call: Call): Promise<void> {
    const { threads, requests, logger } = this.#session;
    threads.find(id)?.lost();
    requests.recovery.over(id, "threadClosed");
    const mayBeUnstored =
      error instanceof ThreadNotFoundError && threads.find(id)?.isLoaded === true;
    if (mayBeUnstored && (await isYetToBeStored(id, call))) {
      threads.find(id)?.unstored();
      return;
    }
    this.#lost.add(id);
    threads.find(id)?.unload();
    const why = error instanceof AppServerError ? error.message : "of an unknown error";
    logger.warn(`A thread could not be resumed when the connection was back: ${why}`);
  }
}

interface Run {
  /** Its calls go over the new connection. */
  readonly session: OpeningSession;
  timeouts: number;
  /** Whether the server has answered for one thread at least. */
  hasAnswered: boolean;
  /** Threads on which turns have begun since the server was asked how they are. */
  readonly begun: Set<string>;
  readonly known: Set<string>;
}

/** Ephemeral threads are never stored: nobody can follow them when their connection is gone. */
async function isYetToBeStored(threadId: string, call: Call): Promise<boolean> {
  try {
    const { thread } = await call("thread/read", { threadId });
    return !thread.ephemeral;
  } catch (error) {
    if (error instanceof TransportClosedError) throw error;
    return false;
  }
}

/** A bound for servers whose list never ends, or that do not know the filter. */
const maxPages = 5;

async function listActiveSubagents(id: string, call: Call): Promise<ThreadRecord[]> {
  const threads: ThreadRecord[] = [];
  const params = { ancestorThreadId: id, useStateDbOnly: true, limit: 100 };
  try {
    const list = new Pages((cursor) => call("thread/list", { ...params, cursor }));
    let pages = 0;
    for await (const { data } of (await list).iterPages()) {
      threads.push(...data.filter(isThread));
      pages += 1;
      if (pages === maxPages) break;
    }
  } catch (error) {
    // Others: an older server, or one that was told to offer no experimental methods.
    if (error instanceof TransportClosedError) throw error;
  }
  // A server that does not know the filter gives other threads, too.
  const family = new Set([id]);
  for (let grew = true; grew;) {
    const before = family.size;
    for (const thread of threads) {
      if (family.has(thread.parentThreadId ?? "")) family.add(thread.id);
    }
    grew = family.size > before;
  }
  return threads.filter(
    (thread) => thread.id !== id && family.has(thread.id) && thread.status.type === "active",
  );
}

function isThread(thread: Partial<ThreadRecord> | null): boolean {
  return typeof thread?.id === "string" && typeof thread.status?.type === "string";
}
