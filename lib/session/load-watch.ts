import { onDeadline } from "../async/deadline.js";
import { Deferred } from "../async/deferred.js";
import { settleWithin } from "../async/timers.js";
import { JsonRpcError, ServerBusyError } from "../errors/rpc-errors.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { hasActiveGoal } from "../messages/goal-status.js";
import { isAtRest } from "../messages/thread-status.js";
import type { Call } from "./call.js";
import type { TurnSlots } from "./turn-slots.js";

/** How long the server may take to start a turn for what it has loaded (ms). It takes some ten milliseconds. */
const startGraceMs = 3_000;

/** How long a turn is waited for when the server does not tell whether one comes (ms). */
const blindGraceMs = 250;

/** A loading of the thread that is under way, or is over while a turn is about to begin. */
interface Load {
  /** How many requests to load it are under way, or have been answered and not been judged. */
  pending: number;
  /** Resolves when no request is pending any more. */
  readonly settled: Deferred<void>;
  readonly begun: Deferred<void>;
  hasBegun: boolean;
  /** Whether its queue has changed meanwhile. */
  hasChanged: boolean;
  /** Gives free the slot that is reserved for a turn that is about to start. */
  open: (() => void) | undefined;
}

/**
 * Keeps the turns of handles apart from those that the server starts when it loads a thread: for what
 * was queued when its process died, and for a goal that is active. It starts them some milliseconds after
 * it has answered, and a `turn/start` that is sent in between becomes part of such a turn. By then the
 * queue may be empty already. So the server is asked just before, and the thread's slot stays reserved until
 * the turn has started, or is known not to come.
 */
export class LoadWatch {
  readonly #slots: TurnSlots;
  readonly #queued: () => void;
  #load: Load | undefined;

  /** Calls `queued` when more than the turn that begins may be queued on the thread. */
  constructor(slots: TurnSlots, queued: () => void) {
    this.#slots = slots;
    this.#queued = queued;
  }

  /** Whether the thread is neither being loaded, nor about to run a turn because it was. */
  get isIdle(): boolean {
    return this.#load === undefined;
  }

  /**
   * Resolves when it is clear whether the server starts a turn on the thread that was loaded: its slot then
   * tells. Undefined when it is clear already.
   */
  get settled(): Promise<void> | undefined {
    const load = this.#load;
    return load && load.pending > 0 ? load.settled.promise : undefined;
  }

  /**
   * The server is about to be asked to load the thread. Before that it is asked, with `call`, what may begin a
   * turn then; it answers this of threads that are not loaded, too. Returns what to call with whether it has
   * loaded the thread, and with the type of the status that it then had.
   */
  loading(
    call: Call,
    threadId: string,
    { experimentalApi }: { experimentalApi: boolean },
  ): (isLoaded: boolean, status?: unknown) => void {
    const load = this.#open();
    load.pending += 1;
    // Without the experimental methods it does not tell what is queued.
    const queue = experimentalApi && listQueue(call, threadId).catch(() => undefined);
    const answers = Promise.all([queue, isGoalActive(call, threadId)]);
    const standsStill = () => wasCutShort(call, threadId);
    return (isLoaded, status) => {
      // A turn that ran before the connection dropped still counts as the one that has the slot.
      if (isLoaded && !isAtRest(status) && this.#slots.isRunning) load.hasBegun = true;
      const judged = isLoaded ? this.#judge(load, standsStill, answers) : Promise.resolve();
      void judged.then(() => {
        load.pending -= 1;
        this.#tidy(load);
      });
    };
  }

  /** Learns from a notification of the thread, before the slots do. */
  observe(message: NotificationMessage): void {
    const load = this.#load;
    if (!load) return;
    switch (message.method) {
      case "thread/queue/changed":
        load.hasChanged = true;
        break;
      case "turn/started":
        // In this order, so that nobody slips in between.
        this.#slots.setRunning(true);
        this.#begin(load);
        break;
      case "thread/closed":
      case "thread/archived":
      case "thread/deleted":
        // What is pending is answered behind it, and tells what holds then.
        load.open?.();
    }
  }

  /** The connection is over, or the thread cannot be loaded. */
  forget(): void {
    if (this.#load) this.#begin(this.#load);
  }

  /** Finds out whether a turn is about to start, and reserves the slot if so. Never rejects. */
  async #judge(
    load: Load,
    standsStill: () => Promise<boolean>,
    answers: Promise<
      readonly [queue: readonly string[] | false | undefined, isGoalActive: boolean]
    >,
  ): Promise<void> {
    const [queue, hasActiveGoal] = await answers;
    const isQueued = queue && queue.length > 0;
    if (isQueued) this.#queued();
    if (load.hasBegun) return;
    if (hasActiveGoal || (isQueued ? !(await standsStill()) : load.hasChanged)) {
      this.#expect(load);
    } else if (!queue) {
      const begun = await settleWithin(load.begun.promise, blindGraceMs);
      if (begun !== "timeout") this.#queued();
    }
  }

  #expect(load: Load): void {
    if (load.hasBegun || load.open) return;
    const open = this.#slots.reserve();
    // One that never comes must not keep the others waiting.
    const stopDeadline = onDeadline(startGraceMs, () => load.open?.(), { unref: true });
    load.open = () => {
      stopDeadline();
      load.open = undefined;
      open();
      this.#tidy(load);
    };
  }

  /** Nothing is to be expected any more: the turn has started, or will never be heard of. */
  #begin(load: Load): void {
    load.hasBegun = true;
    load.begun.resolve();
    load.open?.();
  }

  #open(): Load {
    const known = this.#load;
    // What has begun so far tells nothing of this time.
    if (known && !known.hasBegun) return known;
    const load: Load = {
      pending: 0,
      settled: new Deferred(),
      begun: new Deferred(),
      hasBegun: false,
      hasChanged: false,
      open: undefined,
    };
    known?.settled.resolve(load.settled.promise);
    this.#load = load;
    return load;
  }

  #tidy(load: Load): void {
    if (load.pending > 0) return;
    load.settled.resolve();
    if (!load.open && this.#load === load) this.#load = undefined;
  }
}

/** How long each answer may take (ms): a turn waits for them. */
const answerGraceMs = 5_000;

const options = { timeoutMs: answerGraceMs };

async function isGoalActive(call: Call, threadId: string): Promise<boolean> {
  try {
    return hasActiveGoal(await call("thread/goal/get", { threadId }, options));
  } catch {
    // A server without goals, or one that will not load the thread either.
    return false;
  }
}

/** Whether the thread's last turn was interrupted, so that loading it does not begin its queue. */
async function wasCutShort(call: Call, threadId: string): Promise<boolean> {
  const newest = { limit: 1, sortDirection: "desc", itemsView: "notLoaded" } as const;
  try {
    const { data } = await call("thread/turns/list", { threadId, ...newest }, options);
    const [turn] = Array.isArray(data) ? data : [];
    // A turn that ended with its process is listed as interrupted, too, but as never completed.
    return turn?.status === "interrupted" && typeof turn.completedAt === "number";
  } catch {
    return false;
  }
}

/**
 * The ids of all that is queued, 100 being the most that the server keeps for a thread.
 *
 * @throws ServerBusyError, RequestTimeoutError or TransportClosedError: there may be something.
 */
export async function listQueue(call: Call, threadId: string): Promise<string[]> {
  const page = { threadId, limit: 100 };
  try {
    const { data }: { data: unknown } = await call("thread/queue/list", page, options);
    return Array.isArray(data) ? (data as { id: string }[]).map(({ id }) => id) : [];
  } catch (error) {
    // A server that refuses to list the queue of a thread has none for it.
    if (error instanceof JsonRpcError && !(error instanceof ServerBusyError)) return [];
    throw error;
  }
}
