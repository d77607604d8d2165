import {
  threadForkParamsKeys,
  threadItemsListParamsKeys,
  threadTurnsListParamsKeys,
} from "../generated/methods.js";
import type {
  ReviewTarget,
  Thread as ThreadRecord,
  ThreadItemEntry,
  ThreadItemsListParams,
  ThreadTurnsListParams,
  Turn as TurnRecord,
} from "../generated/types.js";
import type { AsyncIteration } from "./async/async-iteration.js";
import { checkOptions, pickKeys, type KeysOf } from "./errors/check-options.js";
import { check, checkObject, notBlank } from "./errors/check-values.js";
import { InvalidArgumentError } from "./errors/invalid-argument-error.js";
import type { GetSession, Session } from "./session/session.js";
import { normalizeInput, type TurnInput } from "./options/input.js";
import { checkOpeningOptions, checkServiceOptions, forkThreadKeys } from "./options/option-keys.js";
import type { Pages } from "./options/pages.js";
import { historyPages } from "./resources/threads/thread-history.js";
import type { AllowUndefined, ResultOf } from "./protocol.js";
import { idOf } from "./messages/id-of.js";
import { checkTrace } from "./jsonrpc/trace-context.js";
import { handlersIn } from "./server-requests/handlers.js";
import { threadScope, type ThreadScope } from "./session/thread-memory.js";
import { type GoalOptions } from "./options/goal-options.js";
import { GoalRun } from "./goal.js";
import { leavesLateThread } from "./session/confirm-end.js";
import { openThread } from "./session/open-thread.js";
import { ThreadApi } from "./resources/threads/thread-api.js";
import { bindScope, withScope } from "./resources/threads/thread-scope.js";
import { unsolicitedTurns } from "./resources/threads/unsolicited-turns.js";
import { checkTools } from "./tools/tool-specs.js";
import {
  type AttachTurnOptions,
  type RunOptions,
  type ServiceTurnOptions,
  type TurnOptions,
  type WithoutOutput,
} from "./options/turn-options.js";
import {
  splitAttachOptions,
  splitGoalOptions,
  splitServiceOptions,
  splitTurnOptions,
} from "./options/split-options.js";
import type { TurnResult } from "./results/turn-result.js";
import { compactionTurn, inputTurn, reviewTurn, shellTurn } from "./turns/turn-kinds.js";
import type { TurnName, TurnStart } from "./turns/turn-request.js";
import { Turn } from "./turn.js";
import type { ForkThreadOptions } from "./options/thread-options.js";

/** The turns to list, as in `thread/turns/list`. */
export type ListTurnsOptions = AllowUndefined<Omit<ThreadTurnsListParams, "threadId" | "cursor">>;
/** The items to list, as in `thread/items/list`. */
export type ListItemsOptions = AllowUndefined<Omit<ThreadItemsListParams, "threadId" | "cursor">>;

const listTurnsKeys: KeysOf<ListTurnsOptions> = threadTurnsListParamsKeys;
const listItemsKeys: KeysOf<ListItemsOptions> = threadItemsListParamsKeys;

/** The server's answer when the thread was started, resumed or forked. */
export type ThreadOpened = ResultOf<"thread/start" | "thread/resume" | "thread/fork">;

/**
 * A conversation: a local handle on a thread of the server. `thread(id)` sends nothing. All handles of one
 * id share the thread's queue of turns.
 */
export class Thread extends ThreadApi {
  /** Model, working directory, sandbox and so on, as of the start; undefined for `thread(id)`. */
  readonly opened: ThreadOpened | undefined;
  /** The same without the handlers of this thread, for handles on other threads. */
  readonly #getUnscoped: GetSession;

  /** @internal Use `startThread`, `resumeThread`, `forkThread` or `thread`. */
  constructor(getSession: GetSession, id: string, opened?: ThreadOpened, scope?: ThreadScope) {
    const bound = withScope(getSession, id, scope);
    super(bound, id);
    this.opened = opened;
    this.#getUnscoped = getSession;
  }

  /**
   * A handle on a thread that `session` has just opened. Call it right behind the answer: requests of the
   * thread may be next.
   *
   * @internal
   */
  static open(
    getSession: GetSession,
    session: Session,
    opened: ThreadOpened,
    scope: ThreadScope | undefined,
  ): Thread {
    const id = idOf("thread", opened);
    bindScope(session, id, scope);
    return new Thread(getSession, id, opened, scope);
  }

  /**
   * Starts a turn (`turn/start`) and returns its handle at once. A thread that is not loaded is resumed
   * first.
   *
   * With an `outputSchema` of Zod, ArkType or the like, `output` has the type that the schema gives. With
   * plain JSON Schema its type is unknown, or the one that you name: `turn<Answer>(…)`.
   *
   * @throws InvalidArgumentError for input or options that cannot work. Later errors reject `run()` and
   * iteration.
   */
  turn(input: TurnInput, options?: WithoutOutput<TurnOptions>): Turn<undefined>;
  turn<Output>(input: TurnInput, options?: TurnOptions<Output>): Turn<Output>;
  turn(input: TurnInput, options: TurnOptions = {}): Turn {
    return this.#beginInput(input, options, false);
  }

  /**
   * Runs a turn to its end, as `thread.turn(input, options).run(options)` does, and keeps none of its
   * events.
   */
  run(
    input: TurnInput,
    options?: WithoutOutput<TurnOptions & RunOptions>,
  ): Promise<TurnResult<undefined>>;
  run<Output>(
    input: TurnInput,
    options?: TurnOptions<Output> & RunOptions,
  ): Promise<TurnResult<Output>>;
  async run(input: TurnInput, options: TurnOptions & RunOptions = {}): Promise<TurnResult> {
    const { throwOnFailure } = options;
    return this.#beginInput(input, options, true).run({ throwOnFailure });
  }

  /**
   * Asks the model to review code (`review/start`) and returns the turn at once; the review is its final
   * response. The turn cannot be steered.
   */
  review(target: ReviewTarget, options: ServiceTurnOptions = {}): Turn {
    checkTarget(target);
    checkServiceOptions("review()", options);
    return this.#beginService(reviewTurn(target), options);
  }

  /**
   * Summarises the history (`thread/compact/start`) and returns the turn at once. The turn has one item,
   * of type `contextCompaction`, and no response, and it cannot be steered. While a goal is active it waits
   * until that is at rest, as input does.
   */
  compact(options: ServiceTurnOptions = {}): Turn {
    checkServiceOptions("compact()", options);
    return this.#beginService(compactionTurn(), options);
  }

  /**
   * Runs a shell command as if the user had typed it (`thread/shellCommand`), and shows it to the
   * model: without any sandbox and without approval. The turn has one item, of type
   * `commandExecution`, and waits for the turns before it.
   *
   * While a goal is active it waits until that is at rest, as input does. If another client starts a turn
   * at the same moment, the server makes the command a part of that turn: the handle then shows all of it.
   *
   * `commandTimeoutMs`: how long the command may take (ms; default: the server's limit).
   */
  shellCommand(
    command: string,
    options: ServiceTurnOptions & { commandTimeoutMs?: number | undefined } = {},
  ): Turn {
    if (typeof command !== "string" || command.trim() === "") {
      throw new InvalidArgumentError("command", "must be a command line that is not empty");
    }
    checkServiceOptions("shellCommand()", options, { commandTimeoutMs: true });
    const { commandTimeoutMs, ...rest } = options;
    return this.#beginService(shellTurn(command, commandTimeoutMs), rest);
  }

  /**
   * A handle on a turn that somebody has started already, another process or one that died say: named by its `id`, or by
   * the `clientUserMessageId` of its message (or of one that was added to it later). It never starts anything.
   *
   * A turn that runs is followed. Its thread is resumed if it is not loaded here, so that the server asks once more what
   * the turn has asked and nobody has answered: approvals come to the handlers in `options`, of this thread, or of the
   * client. The events begin with `turn/started`, a `connection/gap` and the items that are complete; text of an open
   * message that came before is not known until the message completes. `steer()`, `interrupt()`, `signal` and `timeoutMs`
   * work as for a turn of your own. But leaving the loop does not interrupt the turn, unless `onBreak` is `"interrupt"`.
   *
   * Of a turn that has ended, the events and the result are made from what the server has stored: its items, status,
   * error and times, and nothing else. It does not store the usage, which is `null` then, nor warnings, the plan, the
   * diff, and what was asked; of a turn that still ran, these are known from now on. A turn whose server was killed is
   * `"interrupted"`, without `completedAt`. A thread that an old runtime has stored (up to 0.150) has no items here.
   *
   * `started`, `run()` and iteration reject with a TurnNotFoundError when the server has stored no such turn. A message
   * that was sent a moment ago may not be stored yet: the server is asked up to six times within about a second while its
   * thread is at work, else twice.
   *
   * ```ts
   * const turn = codex.thread(threadId).attachTurn({ clientUserMessageId }, { onApproval });
   * const { status, finalResponse } = await turn.run();
   * ```
   *
   * @throws InvalidArgumentError for a turn that is not named, or options that cannot work.
   */
  attachTurn(turn: TurnName, options?: WithoutOutput<AttachTurnOptions>): Turn<undefined>;
  attachTurn<Output>(turn: TurnName, options?: AttachTurnOptions<Output>): Turn<Output>;
  attachTurn(turn: TurnName, options: AttachTurnOptions = {}): Turn {
    const sought = checkTurnName(turn);
    const { controls, handlers, output } = splitAttachOptions(options);
    const request = { threadId: this.id, start: { sought }, controls, handlers };
    return new Turn(this.getSession, request, output);
  }

  /**
   * Sets a goal (`thread/goal/set`) and returns at once a handle on everything the server does for it:
   * the turns that it starts by itself, one after the other, until the goal is complete, blocked or
   * out of budget, count as one. A goal that the thread has already is replaced, and a thread that is
   * not loaded is resumed.
   *
   * Turns of handles wait until the goal is over, but for those with `whenBusy: "steer"`, which join
   * the turn that runs. Turns of the queue or of other clients that come in between belong to the
   * goal's stream. When the handle stops the goal (`interrupt()`, a signal, a time limit, leaving the
   * loop), it is `paused` in the server. When the connection is lost, it stays `active`: the server
   * goes on with it as soon as the thread is loaded again.
   *
   * `objective`: at most 4,000 characters.
   *
   * @throws InvalidArgumentError for an objective or options that cannot work. What goes wrong later
   * rejects `run()` and iteration: a GoalsUnavailableError where the server has no goals.
   */
  runGoal(objective: string, options: GoalOptions = {}): GoalRun {
    const request = splitGoalOptions(objective, options);
    return new GoalRun(this.getSession, { threadId: this.id, ...request });
  }

  /**
   * Iterates the turns of this thread that no handle here has asked for, from now on: those of goals
   * (unless `runGoal()` follows them) and queues, of other clients, or of requests made by hand. A thread
   * that is not loaded is resumed. If it is in the middle of a turn, that turn comes first, with the items
   * that it has completed so far. Leaving such a turn's loop does not interrupt it, and nothing is kept
   * for turns that you do not take.
   *
   * The iteration ends when the client is closed; it throws `signal.reason`, a TransportClosedError, a
   * SlowConsumerError when more than 100 turns wait to be taken, or the error that kept the thread from
   * being loaded.
   */
  unsolicitedTurns(options: { signal?: AbortSignal | undefined } = {}): AsyncIteration<Turn> {
    checkOptions("unsolicitedTurns()", options, { signal: true });
    return unsolicitedTurns(this.getSession, this.id, options.signal);
  }

  /**
   * Copies the thread (`thread/fork`), without sending its history here: whole, or up to and with the
   * turn `lastTurnId`. A turn that runs goes on here, and is `interrupted` in the copy. Working
   * directory, approval policy and, if this client knows it, the sandbox are those of this thread unless
   * `options` name others; model and effort are those of the configuration, unless `model` and
   * `config: { model_reasoning_effort }` name them.
   *
   * @throws ThreadNotFoundError for a thread that never ran a turn; SettingsLoosenedError when the server
   * gives the copy a looser approval policy or reviewer, or a wider sandbox (SandboxWidenedError), than
   * `options` name, or than this thread has.
   */
  async fork(options: ForkThreadOptions = {}): Promise<Thread> {
    const all = checkOpeningOptions("fork()", options, forkThreadKeys);
    const handlers = handlersIn(all);
    const { tools, trace } = all;
    const settings = pickKeys(all, threadForkParamsKeys);
    if (tools !== undefined) checkTools(tools);
    checkTrace(trace);
    const session = await this.getSession("thread/fork");
    const params = { excludeTurns: true, ...settings, threadId: this.id };
    const request = { ...leavesLateThread(session), trace };
    const opened = await openThread(session, "thread/fork", params, request);
    const scope = threadScope({ handlers, tools: tools ?? session.memory.toolsOf(this.id) });
    return Thread.open(this.#getUnscoped, session, opened, scope);
  }

  /**
   * Reads the stored thread (`thread/read`) without loading it and without its turns; `turns()` has those.
   */
  async read(): Promise<ThreadRecord> {
    return (await this.call("thread/read", { threadId: this.id })).thread;
  }

  /** Names the thread (`thread/name/set`). This also stores a thread that has not run a turn. */
  async setName(name: string): Promise<void> {
    await this.call("thread/name/set", { threadId: this.id, name });
  }

  /** Archives the thread (`thread/archive`); a running turn is interrupted. */
  async archive(): Promise<void> {
    await this.call("thread/archive", { threadId: this.id });
  }

  /** Takes the thread out of the archive (`thread/unarchive`). The next turn loads it. */
  async unarchive(): Promise<void> {
    await this.call("thread/unarchive", { threadId: this.id });
  }

  /**
   * Lists the thread's stored turns (`thread/turns/list`), newest first unless asked otherwise; none
   * before its first turn. A page has 25 of them, or `limit`, at most 100.
   *
   * @throws ThreadNotFoundError; InvalidRequestError for an ephemeral thread, of which nothing is stored.
   */
  turns(params: ListTurnsOptions = {}): Pages<TurnRecord> {
    checkOptions("turns()", params, listTurnsKeys);
    return historyPages(this.getSession, "thread/turns/list", { ...params, threadId: this.id });
  }

  /**
   * Lists the thread's stored items (`thread/items/list`), each with the id of its turn; none before its
   * first turn. A page has 25 of them, or `limit`, at most 100.
   *
   * @throws as `turns()` does; MethodNotFoundError for a thread that an old runtime stored.
   */
  items(params: ListItemsOptions = {}): Pages<ThreadItemEntry> {
    checkOptions("items()", params, listItemsKeys);
    return historyPages(this.getSession, "thread/items/list", { ...params, threadId: this.id });
  }

  #beginService(start: TurnStart, options: ServiceTurnOptions): Turn {
    const { controls, handlers } = splitServiceOptions(options);
    return new Turn(this.getSession, { threadId: this.id, start, controls, handlers });
  }

  #beginInput(input: TurnInput, options: TurnOptions, resultOnly: boolean): Turn {
    const items = normalizeInput(input);
    const { controls, handlers, settings, output } = splitTurnOptions(options);
    const start = inputTurn(items, settings);
    const request = { threadId: this.id, start, controls, handlers, resultOnly };
    return new Turn(this.getSession, request, output);
  }
}

/** The one name that is given; what has two might mean two turns. */
function checkTurnName(turn: TurnName): TurnName {
  checkObject("turn", turn, { id: notBlank, clientUserMessageId: notBlank });
  const { id, clientUserMessageId } = turn as Partial<Record<string, string>>;
  if (id !== undefined && clientUserMessageId === undefined) return { id };
  if (id === undefined && clientUserMessageId !== undefined) return { clientUserMessageId };
  throw new InvalidArgumentError("turn", "must be { id } or { clientUserMessageId }, one of them");
}

function checkTarget(target: ReviewTarget): void {
  const type: unknown = (target as ReviewTarget | null | undefined)?.type;
  if (typeof type === "string") {
    if (target.type === "custom") check("target.instructions", target.instructions, notBlank);
    return;
  }
  throw new InvalidArgumentError("target", 'must be a review target, such as { type: "custom" }');
}
