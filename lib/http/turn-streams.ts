import { randomBytes } from "node:crypto";
import type { ServerResponse } from "node:http";
import { settleWithin } from "../async/timers.js";
import { checkOptions } from "../errors/check-options.js";
import { check, checkText, checkTexts } from "../errors/check-values.js";
import type { Codex, Thread, Turn } from "../index.js";
import type { PartOptions } from "../parts/part-options.js";
import { partsOf } from "../parts/parts-of.js";
import type { TurnPart } from "../parts/turn-part.js";
import { writeProblem } from "./problems.js";
import type { RemoteTurns } from "./remote-turns.js";
import { readAnswer, toRequestAnswer, type BrowserAnswer } from "./requests/browser-answer.js";
import { readInput, type BrowserInput } from "./requests/browser-input.js";
import { checkOrigin } from "./requests/check-origin.js";
import { HeldRequests, type HeldRequestHandlers } from "./requests/held-requests.js";
import {
  isFetchRequest,
  toHttpRequest,
  type AnyRequest,
  type HttpRequest,
} from "./requests/http-request.js";
import { permit } from "./requests/permit.js";
import { storedRequest } from "./requests/stored-request.js";
import { lastEventId } from "./sse/last-event-id.js";
import { sseHeaders } from "./sse/sse-headers.js";
import { StreamViewers, type Viewing } from "./sse/stream-viewers.js";
import { partsBefore } from "./sse/parts-before.js";
import { BatchClock } from "./streams/batch-clock.js";
import { LiveTurn } from "./streams/live-turn.js";
import { MemoryStreamStore } from "./streams/memory-stream-store.js";
import type { StoredStream, TurnStreamStore } from "./streams/turn-stream-store.js";
import { toProblemResponse } from "./to-problem.js";
import {
  readStreamsOptions,
  type AuthorizedAction,
  type TurnStreamsOptions,
} from "./turn-streams-options.js";
import {
  AlreadyAnsweredError,
  NotFoundError,
  StreamsClosedError,
  TurnElsewhereError,
  TurnOverError,
} from "./web-errors.js";

/** How long `close()` waits for turns that were interrupted (ms). */
const stopMs = 10_000;

/** How long `close()` waits for viewers to take the end of their turns (ms). */
const lastWordsMs = 1_000;

export interface AddTurnOptions {
  /** Whose turn it is, such as the id of your user: `authorize` is told. */
  readonly owner: string;
  /** The thread's directory on the server's machine, so that viewers see paths within it (see `PartOptions`). */
  readonly cwd?: string | undefined;
}

/** A turn as a client sees it that comes back with the answer to a request. */
export interface PartsBehind {
  /** What the client has seen, the request being the last of it. */
  readonly before: readonly TurnPart[];
  /** What follows, as it comes. */
  readonly parts: AsyncIterableIterator<TurnPart, undefined>;
}

/**
 * Shows turns to browsers, and lets them answer, steer and stop. A turn that was added runs on whoever watches:
 * any number of viewers can, from its start or from where they were cut off, also for a while after its end.
 *
 * ```ts
 * const streams = new TurnStreams({ authorize: (request, { owner }) => userOf(request) === owner });
 * const thread = await codex.startThread({ ...streams.handlers });
 * const id = streams.add(thread.turn("Why does the build fail?"), { owner: user });
 * // GET /turns/:id/events
 * return streams.response(request, id);
 * ```
 */
export class TurnStreams {
  /**
   * The handlers for a thread, a turn or a client whose approvals and questions viewers answer:
   * `codex.startThread({ ...streams.handlers })`. Each waits for `answer()`; what nobody answers within
   * `answerWithinMs` is declined.
   */
  readonly handlers: HeldRequestHandlers;
  readonly #settings: ReturnType<typeof readStreamsOptions>;
  readonly #store: TurnStreamStore;
  readonly #held: HeldRequests;
  /** The turns that run in this process, by the ids of their streams. */
  readonly #live = new Map<string, LiveTurn>();
  readonly #viewers: StreamViewers;
  readonly #clock: BatchClock;
  #closing: Promise<void> | undefined;

  /** @throws InvalidArgumentError */
  constructor(options: TurnStreamsOptions) {
    const settings = readStreamsOptions(options);
    this.#settings = settings;
    this.#store = settings.store ?? new MemoryStreamStore();
    const watch = (id: string): (() => void) => this.#live.get(id)?.watch() ?? (() => undefined);
    this.#viewers = new StreamViewers({ ...settings, store: this.#store, watch });
    this.#clock = new BatchClock(settings.batchMs);
    this.#held = new HeldRequests(settings.answerWithinMs);
    this.handlers = this.#held.handlers;
  }

  /** Whether `close()` was called: no turn can be added any more. */
  get isClosing(): boolean {
    return this.#closing !== undefined;
  }

  /**
   * Follows a turn to its end, as its one iteration: `turn.run()` still gives the result. The thread is
   * remembered as the owner's, unless it is known as somebody else's.
   *
   * @returns the id of the stream, which can be used at once. It is 128 random bits; `authorize` is asked all
   * the same.
   * @throws InvalidArgumentError; TurnStreamError when the turn is consumed already; StreamsClosedError after
   * `close()`, and then the turn is interrupted, since nobody would follow it.
   */
  add(turn: Turn, options: AddTurnOptions): string {
    checkOptions("add()", options, { owner: true, cwd: true });
    const { owner, cwd } = options;
    checkText("owner", owner);
    const { limits, interruptUnwatchedMs, onError: failed, parts } = this.#settings;
    if (this.isClosing) {
      turn.interrupt().catch(failed);
      throw new StreamsClosedError();
    }
    const id = randomBytes(16).toString("base64url");
    const visible: PartOptions = cwd === undefined ? parts : { ...parts, cwd };
    const facts = { owner, threadId: turn.threadId };
    const how = { store: this.#store, limits, clock: this.#clock, interruptUnwatchedMs, failed };
    const live = new LiveTurn(id, turn, partsOf(turn, visible), facts, how);
    this.#live.set(id, live);
    void live.over.then(() => this.#live.delete(id));
    this.ownThread(turn.threadId, owner).catch(failed);
    return id;
  }

  /**
   * The turn as server-sent events, for fetch: from its start, or from behind `Last-Event-ID`. Each part is an
   * event of its type; the last one is `end`, and then the response ends. A client that has all of it, and
   * comes again, gets 204. What cannot be shown is a problem (RFC 9457), such as 404. Never rejects.
   */
  async response(request: AnyRequest, id: string): Promise<Response> {
    try {
      const { view, viewing } = await this.#view(request, id);
      if (!viewing) return new Response(null, { status: 204 });
      if (view.method === "HEAD") return new Response(null, { headers: sseHeaders });
      return this.#viewers.response(viewing, isFetchRequest(request) ? request.signal : undefined);
    } catch (error) {
      return toProblemResponse(error);
    }
  }

  /**
   * The same for Node, Express, and the raw reply of Fastify (after `reply.hijack()`). It writes no faster than
   * the client reads. Resolves when the response is over, whatever ended it; never rejects.
   */
  async pipe(request: AnyRequest, response: ServerResponse, id: string): Promise<void> {
    try {
      const { view, viewing } = await this.#view(request, id);
      if (response.destroyed) return;
      if (!viewing) response.writeHead(204).end();
      else if (view.method === "HEAD") response.writeHead(200, sseHeaders).end();
      else await this.#viewers.pipe(viewing, response);
    } catch (error) {
      writeProblem(response, error);
    }
  }

  /**
   * The turn's parts from its start, for a format of your own, such as `toUIMessageResponse()` of
   * `codex-app-server-sdk/ai`. Each caller gets all of them, also for a while after the turn has ended; leaving the
   * iteration leaves the turn as it is.
   *
   * @throws NotFoundError when there is no such turn, or it is somebody else's.
   */
  async parts(
    request: AnyRequest,
    id: string,
  ): Promise<AsyncIterableIterator<TurnPart, undefined>> {
    await this.#find(toHttpRequest(request), id, "watch");
    return this.#partsBehind(request, id, 0);
  }

  /**
   * The same in two pieces: what a client has seen that was asked these requests, up to the newest of them, and
   * the rest as it comes. So a client that was shown a turn up to an approval can be shown what follows its answer.
   *
   * @param keys a client's word: those that the turn has not asked do not count.
   * @throws NotFoundError when it has asked none of them; or there is no such turn, or it is somebody else's.
   */
  async partsBehind(
    request: AnyRequest,
    id: string,
    keys: ReadonlySet<string>,
  ): Promise<PartsBehind> {
    const { last } = await this.#find(toHttpRequest(request), id, "watch");
    const { seq, before } = await partsBefore(this.#store, id, { last, keys });
    return { before, parts: this.#partsBehind(request, id, seq) };
  }

  /** Whether a request waits for an answer of those who watch, in this process. */
  isOpen(key: string): boolean {
    return this.#held.typeOf(key) !== undefined;
  }

  /**
   * Counts the turn as watched while the request is open (see `whenUnwatched`): for a client that leaves to ask its
   * user, and comes back with the answer.
   */
  watchUntilAnswered(id: string, key: string): void {
    const left = this.#live.get(id)?.watch();
    if (left) void this.#held.settled(key).then(left);
  }

  /**
   * Answers an approval or a question of the turn, or of a sub-agent of it.
   *
   * @param answer what the browser has posted: `{ key, decision, answers?, content? }`. It is checked.
   * @throws NotFoundError when the turn has not asked that, or is somebody else's; AlreadyAnsweredError;
   * DecisionRefusedError; BadRequestError; OriginRefusedError; of a turn that another process runs TurnElsewhereError,
   * or with the option `remote` what that throws.
   */
  async answer(request: AnyRequest, id: string, answer: BrowserAnswer): Promise<void> {
    const { live, remote } = await this.#toChange(request, id, "answer");
    const read = readAnswer(answer);
    if (remote) {
      await this.#answerElsewhere(remote, id, read);
      return;
    }
    if (!live) throw new AlreadyAnsweredError();
    // A request is this turn's, or it does not exist: the key of another one opens nothing.
    if (!live.hasAsked(read.key)) throw new NotFoundError();
    const type = this.#held.typeOf(read.key);
    if (type === undefined) throw new AlreadyAnsweredError();
    this.#held.settle(read.key, toRequestAnswer(type, read, this.#settings.allowForSession));
  }

  /**
   * Adds input to the running turn.
   *
   * @param input what the browser has posted: text, and images as `data:` URLs. It is checked.
   * @throws NotFoundError, BadRequestError, OriginRefusedError, and what `turn.steer()` throws, such as a
   * TurnNotActiveError; of a turn that another process runs TurnElsewhereError, or with the option `remote` what that
   * throws.
   */
  async steer(request: AnyRequest, id: string, input: BrowserInput): Promise<void> {
    const { live, remote } = await this.#toChange(request, id, "steer");
    const items = readInput(input);
    if (remote) await remote.steer(id, items);
    else if (live) await live.turn.steer(items);
    else throw new TurnOverError();
  }

  /**
   * Stops the turn; one that has ended stays as it is.
   *
   * @throws NotFoundError, OriginRefusedError, and what `turn.interrupt()` throws; of a turn that another process runs
   * TurnElsewhereError, or with the option `remote` what that throws.
   */
  async interrupt(request: AnyRequest, id: string): Promise<void> {
    const { live, remote } = await this.#toChange(request, id, "interrupt");
    await (remote ? remote.interrupt(id) : live?.turn.interrupt());
  }

  /**
   * Remembers whose thread it is, as `add()` does, and resolves with the owner: another one, when the thread
   * was known before. Tell it of the threads in your database when your process starts.
   */
  ownThread(threadId: string, owner: string): Promise<string> {
    checkTexts({ threadId, owner });
    return this.#store.ownThread(threadId, owner);
  }

  /**
   * The ids of an owner's newest threads, the newest first. It asks nobody: give it the user of the request.
   *
   * @param options `limit`: how many at most (default 50).
   * @throws InvalidArgumentError
   */
  threadsOf(
    owner: string,
    options: { readonly limit?: number | undefined } = {},
  ): Promise<readonly string[]> {
    checkOptions("threadsOf()", options, { limit: true });
    const { limit = 50 } = options;
    checkText("owner", owner);
    const isCount = (value: unknown): boolean => Number.isSafeInteger(value) && Number(value) > 0;
    check("limit", limit, { fits: isCount, problem: "must be a whole number above 0" });
    return this.#store.threadsOf(owner, limit);
  }

  /** The turns of a thread that run in this process, or wait for those before them, by the ids of their streams. */
  running(threadId: string): ReadonlyMap<string, Turn> {
    const own = [...this.#live].filter(([, { turn }]) => turn.threadId === threadId);
    return new Map(own.map(([id, { turn }]) => [id, turn]));
  }

  /**
   * The handle on a thread whose id a browser has sent, with these `handlers`, once `authorize` has allowed it
   * (`action: "thread"`). Nothing else may resume a thread that a browser names: ids can be guessed or found.
   *
   * @throws NotFoundError when nobody owns the thread, or somebody else does.
   */
  async thread(
    request: AnyRequest,
    codex: Pick<Codex, "thread">,
    threadId: string,
  ): Promise<Thread> {
    const owner = await this.#store.ownerOf(threadId);
    if (owner === undefined) throw new NotFoundError();
    const subject = { owner, threadId, turnId: undefined, action: "thread" } as const;
    await permit(this.#settings, toHttpRequest(request), subject);
    return codex.thread(threadId, this.handlers);
  }

  /**
   * Takes no new turns, waits for the running ones, interrupts them after `drainMs` (ms; default 0), and ends
   * the responses when they have told the end. Never rejects.
   */
  close({ drainMs = 0 }: { drainMs?: number | undefined } = {}): Promise<void> {
    this.#closing ??= this.#close(drainMs);
    return this.#closing;
  }

  #partsBehind(
    request: AnyRequest,
    id: string,
    after: number,
  ): AsyncIterableIterator<TurnPart, undefined> {
    const signal = isFetchRequest(request) ? request.signal : undefined;
    return this.#viewers.parts({ id, after }, signal);
  }

  /** The request, and what is to be shown: undefined when the client has all of a turn that has ended. */
  async #view(
    request: AnyRequest,
    id: string,
  ): Promise<{ readonly view: HttpRequest; readonly viewing: Viewing | undefined }> {
    const view = toHttpRequest(request);
    const { ended, last } = await this.#find(view, id, "watch");
    const after = lastEventId(view, last);
    const isOver = ended && after > 0 && after === last;
    return { view, viewing: isOver ? undefined : { id, after } };
  }

  /** What a browser answers to a turn that another process runs, by what its stream shows. */
  async #answerElsewhere(remote: RemoteTurns, id: string, answer: BrowserAnswer): Promise<void> {
    const asked = await storedRequest(this.#store, id, answer.key);
    if (!asked) throw new NotFoundError();
    if (!asked.isOpen) throw new AlreadyAnsweredError();
    const { allowForSession } = this.#settings;
    await remote.answer(id, answer.key, toRequestAnswer(asked.type, answer, allowForSession));
  }

  /** The turn that a browser wants to change, here or elsewhere, once all is checked; neither when it has ended. */
  async #toChange(
    request: AnyRequest,
    id: string,
    action: AuthorizedAction,
  ): Promise<{ readonly live?: LiveTurn; readonly remote?: RemoteTurns }> {
    const view = toHttpRequest(request);
    checkOrigin(view, this.#settings.origins);
    const { ended } = await this.#find(view, id, action);
    const live = this.#live.get(id);
    if (live) return { live };
    if (ended) return {};
    const { remote } = this.#settings;
    if (!remote) throw new TurnElsewhereError();
    return { remote };
  }

  async #find(view: HttpRequest, id: string, action: AuthorizedAction): Promise<StoredStream> {
    await this.#live.get(id)?.created;
    const stream = await this.#store.find(id);
    if (!stream) throw new NotFoundError();
    const { owner, threadId, turnId } = stream;
    await permit(this.#settings, view, { owner, threadId, turnId, action });
    return stream;
  }

  async #close(drainMs: number): Promise<void> {
    const { onError } = this.#settings;
    const over = Promise.all([...this.#live.values()].map((live) => live.over));
    if (drainMs > 0) await settleWithin(over, drainMs);
    for (const { turn } of this.#live.values()) turn.interrupt().catch(onError);
    await settleWithin(over, stopMs);
    await settleWithin(this.#viewers.allLeft(), lastWordsMs);
    this.#viewers.endAll();
    await this.#store.close().catch(onError);
  }
}
