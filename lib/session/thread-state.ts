import { TurnDetachedError } from "../errors/turn-detached-error.js";
import type { NotificationMessage } from "../jsonrpc/message.js";
import { fieldOf } from "../messages/field-of.js";
import { GoalTurnWatch } from "./goal-turn-watch.js";
import { LoadWatch } from "./load-watch.js";
import { QueueWatch, type ListQueue } from "./queue-watch.js";
import type { Quota } from "./quota.js";
import type { ThreadRoute } from "./thread-route.js";
import { ThreadUse } from "./thread-use.js";
import { TurnCallers } from "./turn-callers.js";
import { TurnSlots } from "./turn-slots.js";

/** Whose sub-agent a thread is. */
export interface SubagentParent {
  readonly threadId: string;
  /** The parent's turn that started it, or spoke to it last; undefined when that is not known. */
  readonly turnId: string | undefined;
}

/** What the state of a thread needs of the session that it belongs to. */
interface ThreadContext {
  /** Asks the server what is queued on the thread. */
  readonly listQueue: ListQueue;
  /** Gives the state of another thread. */
  readonly find: (threadId: string) => ThreadState | undefined;
  /** How many threads a queue, or a goal, is watched on because the server names it. */
  readonly queues: Quota;
  readonly goals: Quota;
}

/**
 * What one connection knows of one thread. It learns from each notification that names the thread, and from
 * each request that does: `asked` is called before that is sent, and what it returns with the answer.
 */
export class ThreadState {
  /** Who waits for the thread's next turn, and whether the server runs one. */
  readonly slots = new TurnSlots();
  /** Whether a turn of its goal is about to start. */
  readonly goal: GoalTurnWatch;
  /** Whether a queued turn is about to start. */
  readonly queue: QueueWatch;
  /** Whether loading it has begun a turn. */
  readonly load: LoadWatch;
  /** Who has its turns started. */
  readonly callers: TurnCallers;
  /** When it was used last. */
  readonly use = new ThreadUse();
  /** Who follows its turns, or watches it for turns; undefined while nobody does, as `TurnRoutes` sees to. */
  route: ThreadRoute | undefined;
  /** Whose sub-agent it is, as `SubagentTree` learns: null for nobody's, undefined when that is not known. */
  parent: SubagentParent | null | undefined;
  #rootTurnId: string | undefined;
  /** The request that has last set its goal, while it may do so late, and the goal that is stopped then. */
  goalRequest: { late?: { end(): void } } | undefined;
  #opening: Promise<void> | undefined;
  /** There while the server has it loaded for this client, which may have made it. */
  #loaded: { readonly isMade: boolean; isUnstored: boolean } | undefined;
  #loading: Promise<void> | undefined;
  #isReleased = false;
  #releasing: Promise<void> | undefined;
  /** How many requests about the thread are under way. */
  #asked = 0;

  constructor({ listQueue, find, queues, goals }: ThreadContext) {
    this.goal = new GoalTurnWatch(this.slots, goals);
    this.queue = new QueueWatch(this.slots, listQueue, queues);
    this.load = new LoadWatch(this.slots, () => {
      this.queue.look();
    });
    this.callers = new TurnCallers(() => {
      const { parent } = this;
      return parent ? find(parent.threadId)?.callers.contextOf(parent.turnId) : undefined;
    });
  }

  /**
   * Whether the server has it loaded and reports it to this connection. Only then does a turn bring events:
   * on an unsubscribed thread it would run in silence, and its approvals would hang.
   */
  get isLoaded(): boolean {
    return this.#loaded !== undefined;
  }

  /** Whether this client has started or forked the thread, and kept it loaded since. */
  get isMade(): boolean {
    return this.#loaded?.isMade ?? false;
  }

  /**
   * Whether its connection dropped before its first turn, with which the server stores it. Only what is
   * stored can be resumed.
   */
  get isUnstored(): boolean {
    return this.#loaded?.isUnstored ?? false;
  }

  /** When its running turn works for a turn of another thread: the id of that one. */
  get rootTurnId(): string | undefined {
    return this.#rootTurnId;
  }

  /** Whether it was let go of since nobody used it, and has not been loaded since. */
  get isReleased(): boolean {
    return this.#isReleased;
  }

  /** Whether somebody here uses the thread, or a turn of its goal or queue may come, or it is loaded: it must be kept. */
  get isUsed(): boolean {
    return this.isLoaded || this.isInUse;
  }

  /** The same, loaded or not. */
  get isInUse(): boolean {
    const isAskedFor =
      this.#asked > 0 ||
      this.goalRequest !== undefined ||
      this.#opening !== undefined ||
      this.#loading !== undefined ||
      !this.load.isIdle;
    const isExpected = !this.goal.isIdle || !this.queue.isIdle;
    const isFollowed = this.slots.isUsed || this.route !== undefined;
    return isAskedFor || isExpected || isFollowed;
  }

  /** Whether nothing is known of the thread that would be missed. */
  get isBlank(): boolean {
    const isRunning = this.slots.isRunning || this.#rootTurnId !== undefined;
    if (this.#isReleased) return false;
    return !this.isUsed && !isRunning && this.parent === undefined && this.callers.isIdle;
  }

  /** Loads the thread with `resume` unless it is loaded; concurrent callers share one attempt. */
  async ensureLoaded(resume: () => Promise<unknown>): Promise<void> {
    if (this.#releasing) await this.#releasing;
    if (this.isLoaded) return;
    this.#loading ??= resume()
      .then(() => undefined)
      .finally(() => {
        this.#loading = undefined;
      });
    await this.#loading;
  }

  /** Resolves when what the server asks on the thread may be answered; undefined when it may at once. */
  get opening(): Promise<void> | undefined {
    return this.#opening;
  }

  /** What the server asks on the thread waits until `opened` has resolved. */
  holdRequests(opened: Promise<void>): void {
    const before = this.#opening;
    const opening = before ? Promise.all([before, opened]).then(() => undefined) : opened;
    this.#opening = opening;
    void opening.then(() => {
      if (this.#opening === opening) this.#opening = undefined;
    });
  }

  /**
   * Lets go of the thread with `unsubscribe`, when no turn runs here or waits to. What comes meanwhile waits for that,
   * and then loads the thread. Never rejects.
   */
  async release(unsubscribe: () => Promise<unknown>): Promise<void> {
    const slot = this.slots.enter({ wait: true });
    this.#isReleased = true;
    const release = async (): Promise<void> => {
      // When it fails, nobody knows whether events come: loading the thread again makes sure.
      await unsubscribe().catch(() => undefined);
      this.unload();
      this.#releasing = undefined;
      slot.leave();
    };
    this.#releasing = release();
    await this.#releasing;
  }

  /** The server has loaded the thread for this client, or made it (`made`). */
  opened({ made, isActive }: { made: boolean; isActive: boolean }): void {
    this.#isReleased = false;
    this.#loaded = { isMade: made || this.isMade, isUnstored: false };
    if (isActive) this.slots.setRunning(true);
  }

  /** The server no longer has the thread loaded, whatever was known before. */
  unload(): void {
    this.#loaded = undefined;
  }

  /** It could not be resumed, since it has had no turn yet. */
  unstored(): void {
    if (this.#loaded) this.#loaded.isUnstored = true;
  }

  /**
   * Learns from a request that is about to be sent. Returns what to call with its answer, or with nothing
   * when it fails.
   */
  asked(method: string, params: unknown): (answer?: unknown) => void {
    const refused = this.#expectTurnOf(method);
    const goalSettled = this.goal.asked(method, params);
    const queueSettled = this.queue.asked(method);
    const callerSettled = this.callers.asked(method, params);
    this.use.asked(method);
    this.#asked += 1;
    return (answer) => {
      this.#asked -= 1;
      if (answer === undefined) refused?.();
      else this.#answered(method);
      goalSettled?.(answer);
      queueSettled?.(answer);
      callerSettled?.(answer);
    };
  }

  /** Learns from a notification. The slots come last: a watch may have to reserve one before it is free. */
  observe(message: NotificationMessage): void {
    switch (message.method) {
      case "thread/closed":
      case "thread/archived":
      case "thread/deleted":
        this.unload();
        this.goal.forget();
        this.queue.forget();
        this.callers.forget();
        this.#rootTurnId = undefined;
        break;
      case "turn/started":
        this.#rootTurnId = rootTurnIn(message);
        break;
      case "turn/completed":
        this.#rootTurnId = undefined;
    }
    this.use.observe(message);
    this.callers.observe(message);
    this.goal.observe(message);
    this.queue.observe(message);
    this.load.observe(message);
    this.slots.observe(message);
  }

  /** The connection is back: of a turn that ended meanwhile, nothing was told. */
  restored(): void {
    if (this.slots.isRunning) return;
    this.#rootTurnId = undefined;
    this.callers.turnOver();
  }

  /**
   * Nothing more is heard of the thread: it could not be resumed, is forgotten, or the connection is over.
   * Whoever waits for a slot finds out by going in.
   */
  lost(): void {
    this.goal.forget();
    this.queue.forget();
    this.load.forget();
    this.slots.setRunning(false);
  }

  /**
   * Some requests make the server run a turn that no handle follows, and are answered before it says so: our
   * own turns have to wait from now on. Returns what to call when the request fails.
   */
  #expectTurnOf(method: string): (() => void) | undefined {
    // Of a thread that is not loaded, nothing would tell the end of the turn.
    if (!this.isLoaded || this.slots.isRunning) return undefined;
    return startsTurn(method, this.slots.isBusy) ? this.slots.expectTurn() : undefined;
  }

  #answered(method: string): void {
    if (!letsGo(method)) return;
    this.unload();
    this.goal.forget();
    this.queue.forget();
    // Whatever still runs there, nothing more is heard of it; loading the thread again tells.
    this.slots.setRunning(false);
    if (method === "thread/unsubscribe") this.route?.abandon(() => new TurnDetachedError());
  }
}

/** The turn of another thread that a turn works for. */
function rootTurnIn({ params }: NotificationMessage): string | undefined {
  const root = fieldOf(params, "turn", "rootTurnId");
  return typeof root === "string" && root !== fieldOf(params, "turn", "id") ? root : undefined;
}

/** Whether a request makes this connection let go of its thread. */
function letsGo(method: string): boolean {
  return (
    method === "thread/unsubscribe" || method === "thread/archive" || method === "thread/delete"
  );
}

function startsTurn(method: string, isBusy: boolean): boolean {
  switch (method) {
    case "thread/compact/start":
    case "review/start":
      return true;
    case "turn/start":
    case "thread/queue/start":
    case "thread/shellCommand":
      // On a busy thread they become part of the turn that runs, or belong to the handle inside.
      return !isBusy;
    default:
      return false;
  }
}
