import { settleWithin } from "../async/timers.js";
import { checkOptions, type KeysOf } from "../errors/check-options.js";
import { check } from "../errors/check-values.js";
import { chatKeys, type ChatOptions } from "../http/chat/chat-options.js";
import {
  openChat,
  refuseWhenClosing,
  settingsOf,
  tellOf,
  visit,
  type ChatParts,
  type Visit,
} from "../http/chat/open-chat.js";
import { segmentsBehind } from "../http/chat/place-of.js";
import { readBody } from "../http/chat/read-body.js";
import type { BrowserAnswer } from "../http/requests/browser-answer.js";
import { readInput } from "../http/requests/browser-input.js";
import { toProblem } from "../http/to-problem.js";
import type { TurnStreams } from "../http/turn-streams.js";
import {
  AlreadyAnsweredError,
  BadRequestError,
  ChatBusyError,
  NotFoundError,
} from "../http/web-errors.js";
import type { Thread } from "../index.js";
import type { TurnPart } from "../parts/turn-part.js";
import { chunkResponse, chunkStream } from "./chunk-stream.js";
import { readPostedMessages, type PostedApproval, type PostedItem } from "./posted-messages.js";
import {
  MemoryUIMessageChatStore,
  nameOf,
  type UIMessageChatRecord,
  type UIMessageChatStore,
} from "./ui-message-chats.js";
import { UIMessageChunks } from "./ui-message-chunks.js";

export interface UIMessageChatOptions extends ChatOptions {
  /** Which thread a chat is (default: a `MemoryUIMessageChatStore`). */
  readonly chats?: UIMessageChatStore | undefined;
}

/** A fetch handler with the routes of `useChat`, and what stands behind it. */
export interface UIMessageChat {
  (request: Request): Promise<Response>;
  readonly streams: TurnStreams;
}

const keys: KeysOf<UIMessageChatOptions> = { ...chatKeys, chats: true };

/** How long a stop waits until all of the turn is told (ms). */
const lastWordsMs = 5_000;
const maxIdLength = 256;
/** How many answers of one post are looked at. */
const maxAnswers = 100;

/**
 * The routes that `useChat` of the AI SDK talks to, for anything that takes a fetch handler; for Node, Express and
 * Fastify see `toNodeHandler()` of `codex-app-server-sdk/http`.
 *
 * | route               | body, and what comes back                                                       |
 * | ------------------- | ------------------------------------------------------------------------------- |
 * | `POST /`            | what `DefaultChatTransport` posts; a UI message stream                           |
 * | `GET /:id/stream`   | the newest turn from its start, for `resume`; 204 when there is none to show     |
 * | `POST /:id/stop`    | `{}`; 204 when the newest turn has stopped                                       |
 * | `POST /:id/answers` | `{ key, decision, answers?, content? }`, for questions and forms, which have no buttons in the AI SDK; 204 |
 *
 * Of what is posted, the newest message counts alone: the text and the images of the user, or answers to approvals.
 * A response that shows an approval ends, so that the page can post: the turn waits, and the response to the answer
 * goes on with the same message. A message that is posted while a turn runs is refused with 409. What goes wrong is
 * answered with a sentence for users as plain text, which `useChat` shows as `error.message`.
 *
 * ```ts
 * const chat = createUIMessageChat({ codex, basePath: "/api/chat", owner: (request) => userOf(request) });
 * createServer(toNodeHandler(chat)).listen(3000);
 * ```
 *
 * @throws InvalidArgumentError
 */
export function createUIMessageChat(options: UIMessageChatOptions): UIMessageChat {
  checkOptions("createUIMessageChat()", options, keys);
  const { chats = new MemoryUIMessageChatStore(), ...rest } = options;
  check("chats", chats, { fits: isStore, problem: "must have find() and save()" });
  const chat: Parts = { ...openChat(rest), chats, posting: new Set() };
  return Object.assign((request: Request) => answer(chat, request), { streams: chat.streams });
}

interface Parts extends ChatParts {
  readonly chats: UIMessageChatStore;
  /** The chats, by user and id, whose newest message is on its way to the server. */
  readonly posting: Set<string>;
}

type Call = Parts & Visit;

/** Never rejects. */
async function answer(chat: Parts, request: Request): Promise<Response> {
  try {
    const { pathname } = new URL(request.url);
    const [id, action, ...more] = segmentsBehind(chat.basePath, pathname).filter(
      (each) => each !== "",
    );
    const name = action === undefined ? request.method : `${request.method} ${action}`;
    const isHere = pathname === chat.basePath || pathname.startsWith(`${chat.basePath}/`);
    const isWhole = (id === undefined) === (action === undefined) && more.length === 0;
    const route = isHere && isWhole && Object.hasOwn(routes, name) ? routes[name] : undefined;
    if (!route) throw new NotFoundError();
    const call = { ...chat, ...(await visit(chat, request)) };
    return await route(call, id === undefined ? "" : decoded(id));
  } catch (error) {
    if (!request.signal.aborted) tellOf(chat, error);
    return problemAsText(error);
  }
}

const routes: Readonly<Record<string, (call: Call, chatId: string) => Promise<Response>>> = {
  async POST(call) {
    const { id, messages } = await readBody<"id" | "messages">(call.request, call.maxBodyBytes);
    const chatId = checkedId(id);
    const { input, approvals } = readPostedMessages(messages);
    if (approvals.length > 0) return goOn(call, chatId, approvals.slice(-maxAnswers));
    return begin(call, chatId, readInput(input.map(itemOf)));
  },

  async "GET stream"(call, chatId) {
    const { chats, streams, request, user } = call;
    const known = await chats.find(user, chatId);
    if (!known) return done();
    try {
      return show(call, known.streamId, await streams.parts(request, known.streamId));
    } catch (error) {
      // It has ended, and was forgotten since.
      if (error instanceof NotFoundError) return done();
      throw error;
    }
  },

  async "POST stop"(call, chatId) {
    const { streams, request, maxBodyBytes } = call;
    await readBody(request, maxBodyBytes, []);
    const { streamId } = await found(call, chatId);
    await streams.interrupt(request, streamId);
    const parts = await streams.parts(request, streamId);
    // The next message may come at once.
    await settleWithin(toEnd(parts), lastWordsMs);
    // It would count as a viewer for as long as the turn goes on.
    void parts.return?.();
    return done();
  },

  async "POST answers"(call, chatId) {
    const { streams, request, maxBodyBytes } = call;
    const fields = ["key", "decision", "answers", "content"] as const;
    const body = await readBody(request, maxBodyBytes, fields);
    const { streamId } = await found(call, chatId);
    await streams.answer(request, streamId, body as BrowserAnswer);
    return done();
  },
};

/** Starts a turn with what the user says. */
async function begin(
  call: Call,
  chatId: string,
  input: ReturnType<typeof readInput>,
): Promise<Response> {
  const { chats, posting, streams, request, user } = call;
  const name = nameOf(user, chatId);
  if (posting.has(name)) throw new ChatBusyError();
  posting.add(name);
  try {
    const known = await chats.find(user, chatId);
    if (known && streams.running(known.threadId).size > 0) throw new ChatBusyError();
    refuseWhenClosing(streams);
    const thread = await threadFor(call, known);
    refuseWhenClosing(streams);
    const turn = thread.turn(input);
    const streamId = streams.add(turn, { owner: user, cwd: thread.opened?.cwd });
    try {
      await chats.save(user, chatId, { threadId: thread.id, streamId });
    } catch (error) {
      // Its user could neither see nor stop it, nor answer what it asks.
      turn.interrupt().catch((failure: unknown) => {
        tellOf(call, failure);
      });
      throw error;
    }
    return show(call, streamId, await streams.parts(request, streamId));
  } finally {
    posting.delete(name);
  }
}

async function threadFor(call: Call, known: UIMessageChatRecord | undefined): Promise<Thread> {
  const { codex, streams, threads, request, user } = call;
  if (!known) return threads.start(await settingsOf(call));
  const { threadId } = known;
  // What the store of chats says is not a browser's word; another owner's thread is not opened all the same.
  if ((await streams.ownThread(threadId, user)) !== user) throw new NotFoundError();
  await streams.thread(request, codex, threadId);
  return threads.open(threadId, () => settingsOf(call));
}

/** Answers what is still open, and shows what follows. */
async function goOn(
  call: Call,
  chatId: string,
  approvals: readonly PostedApproval[],
): Promise<Response> {
  const { streams, request } = call;
  const { streamId } = await found(call, chatId);
  for (const { key, approved } of approvals) {
    const decision = approved ? "accept" : "decline";
    await streams.answer(request, streamId, { key, decision }).catch(passIfOver);
  }
  const shown = new Set(approvals.map(({ key }) => key));
  const { before, parts } = await streams.partsBehind(request, streamId, shown);
  return show(call, streamId, parts, { before, shown });
}

/** Its time was up, somebody else was faster, or this turn has not asked it: what follows says what became of it. */
function passIfOver(error: unknown): void {
  if (error instanceof AlreadyAnsweredError || error instanceof NotFoundError) return;
  throw error;
}

interface Seen {
  readonly before: readonly TurnPart[];
  /** The approvals that the page has shown. */
  readonly shown: ReadonlySet<string>;
}

function show(
  { streams }: Call,
  streamId: string,
  parts: AsyncIterable<TurnPart>,
  seen?: Seen,
): Response {
  let isSeen = seen !== undefined;
  const isOpen = (key: string): boolean =>
    isSeen ? seen?.shown.has(key) === true : streams.isOpen(key);
  const chunks = new UIMessageChunks({
    isOpen,
    onWait: (key) => {
      if (!isSeen) streams.watchUntilAnswered(streamId, key);
    },
  });
  for (const part of seen?.before ?? []) {
    chunks.next(part);
    chunks.goOn();
  }
  isSeen = false;
  return chunkResponse(chunkStream(parts, chunks, seen ? chunks.goOn() : []));
}

async function found({ chats, user }: Call, chatId: string): Promise<UIMessageChatRecord> {
  const known = await chats.find(user, chatId);
  if (!known) throw new NotFoundError();
  return known;
}

async function toEnd(parts: AsyncIterator<TurnPart>): Promise<void> {
  for (let isOver = false; !isOver;) isOver = (await parts.next()).done === true;
}

function itemOf(item: PostedItem) {
  if (item.type === "text") return item;
  if (item.url.startsWith("data:image/")) return { type: "image", url: item.url } as const;
  throw new BadRequestError("Only images can be sent, as data: URLs.");
}

function checkedId(id: unknown): string {
  const fits = typeof id === "string" && id !== "" && id.length <= maxIdLength;
  if (!fits) throw new BadRequestError("The body needs the id of a chat.");
  return id;
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new NotFoundError();
  }
}

/** `useChat` takes the text of such a response for the message of its error. */
function problemAsText(error: unknown): Response {
  const { status, headers, body } = toProblem(error);
  const type = { "content-type": "text/plain; charset=utf-8" };
  return new Response(body.title, { status, headers: { ...headers, ...type } });
}

function done(): Response {
  return new Response(null, { status: 204 });
}

function isStore(value: unknown): boolean {
  const { find, save } = Object(value) as Record<string, unknown>;
  return typeof find === "function" && typeof save === "function";
}
