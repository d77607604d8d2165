import type { TurnStreamStore } from "../../http/index.js";
import type { RequestAnswer, TurnInput } from "../../index.js";

/**
 * Says that a turn may have been sent to its server. Whoever finds the mark of somebody else never sends the turn
 * again, and only looks for it by `messageId`.
 */
export interface SendingMark {
  /** Who has set it: the worker, and which of its attempts. */
  readonly holder: string;
  readonly threadId: string;
  /** The `clientUserMessageId` under which the server stores the message. */
  readonly messageId: string;
}

/** What somebody wants of a turn that may run on another machine. */
export type TurnCommand =
  | { readonly type: "interrupt" }
  | { readonly type: "steer"; readonly input: TurnInput }
  | { readonly type: "answer"; readonly key: string; readonly answer: RequestAnswer };

/** A command as its job has it: numbered from 1 on. */
export interface SentCommand {
  readonly seq: number;
  readonly command: TurnCommand;
}

/** How a command went: the code and the words of an error when it was refused. */
export type CommandOutcome =
  { readonly ok: true } | { readonly ok: false; readonly code: string; readonly message: string };

/** How long to wait for news (ms), and what ends the wait. */
export interface WaitOptions {
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

/**
 * What the machines of a fleet know together, beside BullMQ's jobs: the order of each thread's turns, which turns may
 * have been sent, on which host a thread lies, what people want of running turns, and their events.
 *
 * Every method may be called from every machine at any time, and rejects with a StoreUnavailableError when the database
 * is away. Texts are those of a caller, of any length but without half of a surrogate pair, and never empty; else it is
 * an InvalidArgumentError. Check a store of yours with `checkFleetStore()`.
 */
export interface FleetStore {
  /** The events of turns, for `TurnStreams` on any web machine. The id of a turn's stream is its job's id. */
  readonly streams: TurnStreamStore;
  /**
   * The same streams for one writer, such as a worker's attempt at a job. Whoever has called `create()` last writes a
   * stream: what another one appends, names or ends then rejects with a StreamTakenError, so that a worker that was
   * thought dead adds nothing to a turn that another one follows. Look how far the stream has come after `create()`.
   */
  streamsAs(writer: string): TurnStreamStore;

  /** Takes a place at the end of a thread's line. A job that is in line already keeps its place. */
  joinLine(threadId: string, jobId: string): Promise<void>;
  /** The job whose turn is next or under way; undefined when nobody is in line. */
  firstInLine(threadId: string): Promise<string | undefined>;
  /** Leaves the line, wherever the job stands. Resolves with the first one that is left. */
  leaveLine(threadId: string, jobId: string): Promise<string | undefined>;

  /** Sets the mark, unless there is one. Resolves with the mark that counts: the caller's own or the older one. */
  mark(jobId: string, mark: SendingMark): Promise<SendingMark>;
  markOf(jobId: string): Promise<SendingMark | undefined>;
  /** Takes the mark away if `holder` has set it, since it knows that the turn was not sent. */
  unmark(jobId: string, holder: string): Promise<boolean>;

  /** Notes on which host a thread lies, unless that is known. Resolves with the host that counts. */
  settleThread(threadId: string, host: string): Promise<string>;
  hostOf(threadId: string): Promise<string | undefined>;
  /** Moves a thread, if it lies on `from` still. Resolves with whether it did. */
  moveThread(threadId: string, from: string, to: string): Promise<boolean>;
  /** Says that a worker of this host is alive for as long (ms). */
  hostIsAlive(host: string, forMs: number): Promise<void>;
  /** The hosts that are alive. */
  hosts(): Promise<readonly string[]>;

  /**
   * Sends a command to a job, whoever runs it now or later. Resolves with its number.
   *
   * @throws CommandsFullError when too many have no outcome yet.
   */
  send(jobId: string, command: TurnCommand): Promise<number>;
  /**
   * The commands behind the one numbered `after` that have no outcome yet: at once if there are any, else when they
   * come, else none. So a worker that takes over a job begins at 0, and sees what is left to do.
   */
  commands(jobId: string, after: number, wait: WaitOptions): Promise<readonly SentCommand[]>;
  /** Tells how a command went. The first one who tells counts. */
  settle(jobId: string, seq: number, outcome: CommandOutcome): Promise<void>;
  /** How a command went: when that is known, or undefined at the end of the wait. */
  outcome(jobId: string, seq: number, wait: WaitOptions): Promise<CommandOutcome | undefined>;

  /** Keeps a small JSON document of a job, such as how its turn ended. The newest one counts. */
  note(jobId: string, name: string, value: unknown): Promise<void>;
  noteOf(jobId: string, name: string): Promise<unknown>;
  /** Lets everything of a job be forgotten after as long (ms): mark, commands, notes. Not its place in line. */
  forgetJob(jobId: string, afterMs: number): Promise<void>;

  /** Gives connections and timers back. Waiting calls resolve with nothing. */
  close(): Promise<void>;
}
