import type { AsyncIteration } from "../async/async-iteration.js";
import { EventQueue } from "../async/event-queue.js";
import type { Failure } from "../async/life.js";
import { mapIterator } from "../async/map-iterator.js";
import { checkOptions } from "../errors/check-options.js";
import { turnIdOf } from "../messages/message-ids.js";
import type { TurnControls } from "../options/turn-options.js";
import type { TurnState } from "../results/turn-state.js";
import type { Session } from "../session/session.js";
import { AnswerText, wantedMessages, type TextStreamOptions } from "./answer-text.js";
import { eventBacklog } from "./event-backlog.js";
import { MessageUpdates, type MessageUpdate } from "./message-updates.js";
import {
  isOfSubagent,
  Subagents,
  withOrigin,
  type EventOrigin,
  type SubagentEvent,
} from "./subagents.js";
import type { SomeEvent } from "../messages/superseding.js";
import { TurnStreamError } from "./turn-errors.js";

/** How much is kept beside a lone `run()` for an iteration that may still come (bytes, roughly). */
const besideRunBytes = 1_048_576;

interface Handle extends AsyncDisposable {
  readonly threadId: string;
  /** The id of its turn, if it has one only. */
  readonly id?: string | undefined;
  /** The one iteration of the events. */
  stream(): AsyncIterable<SomeEvent>;
  /** Where the outcome comes from. */
  run(): Promise<unknown>;
}

/**
 * The events of a turn's or a goal's handle, those of its sub-agents among them, and who reads them: one
 * consumer, who may come late. So they wait, within the bounds of the backlog; beside a `run()`, after which
 * mostly nobody comes, within much closer ones.
 */
export class HandleEvents<Event extends SomeEvent> {
  readonly #of: "turn" | "goal";
  readonly #handle: Handle;
  readonly #queue: EventQueue<Event | SubagentEvent>;
  /** Where its own events come from. */
  readonly #root: { readonly threadId: string; readonly depth: 0 };
  /** What has been read of messages: an iteration that stopped at a silent turn is gone on with by the next. */
  readonly #messages = new MessageUpdates();
  readonly #text = new AnswerText();
  #turn: { heard(): void } | undefined;
  #subagents: Subagents | undefined;
  #reader: "none" | "own" | "all" = "none";
  /** Whether somebody waits for the result. */
  #isRun = false;
  #isDropped: boolean;

  /** `resultOnly`: nobody can iterate, so that nothing is kept. */
  constructor(
    of: "turn" | "goal",
    handle: Handle,
    { maxBacklogBytes, onBreak }: TurnControls,
    resultOnly = false,
  ) {
    this.#of = of;
    this.#handle = handle;
    this.#root = { threadId: handle.threadId, depth: 0 };
    this.#isDropped = resultOnly;
    const onLeave = async (): Promise<void> => {
      if (onBreak !== "detach") await handle[Symbol.asyncDispose]();
    };
    this.#queue = new EventQueue(onLeave, eventBacklog(of, maxBacklogBytes));
  }

  /** From now on what waits counts in the client's budget. Beside a lone `run()` it is the first to be dropped. */
  connected(session: Session, turn?: { heard(): void }): void {
    this.#turn = turn;
    this.#subagents = new Subagents(session, this);
    if (!this.#isDropped) this.#queue.countIn(session.backlogs, () => this.#isRunAlone());
  }

  /** The turn has run before: of what is open, the events do not bring the beginning. */
  joined({ id, openItems }: TurnState): void {
    this.#messages.joined(id, openItems);
  }

  event(event: Event): void {
    this.#push(event);
    this.#subagents?.observe(event, this.#root);
  }

  subagentEvent(event: SubagentEvent): void {
    this.#turn?.heard();
    if (this.#reader !== "own") this.#push(event);
  }

  subagents(): ReturnType<Subagents["list"]> {
    return this.#subagents?.list() ?? [];
  }

  /** `run()` was called. What waits already is kept for now: an iteration may begin in the same tick. */
  run(): void {
    this.#isRun = true;
  }

  /** Drops everything when more waits than is kept beside a lone `run()`. */
  trim(): void {
    if (!this.#isRunAlone() || this.#queue.weight <= besideRunBytes) return;
    this.#isDropped = true;
    this.#queue.clear();
  }

  /**
   * Begins the iteration, with or without the events of sub-agents.
   *
   * @throws TurnStreamError
   */
  stream(options: { subagents?: boolean | undefined }): AsyncIteration<Event> {
    checkOptions("stream()", options, { subagents: true });
    const { subagents = false } = options;
    if (this.#reader !== "none") {
      throw new TurnStreamError(
        `This ${this.#of} is already being iterated, and has one consumer: call run() for its result.`,
      );
    }
    if (this.#isDropped) {
      throw new TurnStreamError(
        "run() was called without iterating, and more than 1 MiB of events came, which were not kept. " +
          "Call stream() first.",
      );
    }
    this.#reader = subagents ? "all" : "own";
    if (!subagents) this.#queue.retain((event) => !isOfSubagent(event));
    const events = this.#queue as EventQueue<Event>;
    return subagents ? mapIterator(events, this.#withOrigin()) : events;
  }

  /** The messages in the events, and then what run() throws. */
  messages(): AsyncGenerator<MessageUpdate, undefined> {
    return this.#read((event) => this.#messages.next(event));
  }

  /** @throws InvalidArgumentError */
  texts(options: TextStreamOptions): AsyncGenerator<string, undefined> {
    const wanted = wantedMessages(options);
    return this.#read((event) => {
      this.#text.observe(event);
      const texts = this.#messages.next(event).map((update) => this.#text.next(update, wanted));
      return texts.filter((text) => text !== "");
    });
  }

  /** Whoever waits, for an event or for the result, is told, and may come back. */
  stalled(failure: Failure): void {
    this.#isRun = false;
    // Nobody else may take the place of one who reads on.
    if (this.#queue.interrupt(failure()) > 0) this.#reader = "none";
  }

  ended(failure: Failure | undefined): void {
    this.#subagents?.stop();
    if (failure) this.#queue.fail(failure());
    else this.#queue.end();
  }

  async *#read<Part>(
    partsOf: (event: SomeEvent) => readonly Part[],
  ): AsyncGenerator<Part, undefined> {
    for await (const event of this.#handle.stream()) {
      for (const part of partsOf(event)) yield part;
    }
    await this.#handle.run();
    return undefined;
  }

  #push(event: Event | SubagentEvent): void {
    if (this.#isDropped) return;
    this.#queue.push(event);
    this.trim();
  }

  #isRunAlone(): boolean {
    return this.#isRun && this.#reader === "none";
  }

  /** To be called with one event after the other: some are of the turn that runs, and do not name it. */
  #withOrigin(): (event: Event) => Event & { readonly origin: EventOrigin } {
    const handle = this.#handle;
    const { threadId } = handle;
    // Looked up once: to look at the state of a turn costs as much as the event.
    let ownId: string | undefined;
    let running = "";
    let origin: EventOrigin = { threadId, turnId: "", parentThreadId: null, depth: 0 };
    return (event) => {
      if (isOfSubagent(event)) return event;
      const named = turnIdOf(event);
      if (event.method === "turn/started") running = named ?? "";
      ownId ??= handle.id;
      const turnId = ownId ?? named ?? running;
      if (event.method === "turn/completed") running = "";
      if (turnId !== origin.turnId) origin = { ...origin, turnId };
      return withOrigin(event, origin);
    };
  }
}
