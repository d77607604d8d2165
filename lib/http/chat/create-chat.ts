import { checkOptions, withoutKeys, type KeysOf } from "../../errors/check-options.js";
import { bytes, callback, check, checkFields } from "../../errors/check-values.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import type { Codex, StartThreadOptions } from "../../index.js";
import type { BrowserAnswer } from "../requests/browser-answer.js";
import { readInput } from "../requests/browser-input.js";
import { checkOrigin } from "../requests/check-origin.js";
import { toHttpRequest, type HttpRequest } from "../requests/http-request.js";
import { withinLimit } from "../requests/within-limit.js";
import { healthResponse } from "../health.js";
import { toProblemResponse } from "../to-problem.js";
import { TurnStreams } from "../turn-streams.js";
import {
  turnStreamsKeys,
  warnOfFailure,
  type Authorize,
  type TurnStreamsOptions,
} from "../turn-streams-options.js";
import { MethodNotAllowedError, NotFoundError, UnauthorizedError } from "../web-errors.js";
import {
  ChatThreads,
  type ChatHistory,
  type ChatThread,
  type ChatThreadOptions,
  type ThreadSource,
} from "./chat-threads.js";
import { placeOf } from "./place-of.js";
import { readBody } from "./read-body.js";

export interface ChatOptions extends Omit<TurnStreamsOptions, "authorize"> {
  /** The client that runs the threads. It stays yours: close it after `chat.streams.close()`. */
  readonly codex: ThreadSource & Pick<Codex, "currentStatus" | "runningTurns">;
  /**
   * Says who has sent a request, such as the user of its session; `null` for nobody, who gets 401. What it
   * throws is 401, too, and `onError` is told.
   */
  readonly owner: (request: HttpRequest) => string | null | Promise<string | null>;
  /**
   * Settings of the threads, or a function that gives them for a user; of a thread that another process has
   * started, those that `resumeThread()` takes. A browser can set none of them. They have no handlers of
   * approvals and questions: those who watch a turn answer them.
   */
  readonly newThread?:
    | ChatThreadOptions
    | ((owner: string, request: HttpRequest) => ChatThreadOptions | Promise<ChatThreadOptions>)
    | undefined;
  /** Who may do what. Default: everybody what is their own. */
  readonly authorize?: Authorize | undefined;
  /** What the paths begin with, such as `"/api/chat"` (default: nothing). */
  readonly basePath?: string | undefined;
  /** How long a body may be (bytes; default 8 MiB: images come in it). */
  readonly maxBodyBytes?: number | undefined;
}

/** A fetch handler with the routes of a chat, and what stands behind it. */
export interface Chat {
  (request: Request): Promise<Response>;
  readonly streams: TurnStreams;
}

/** How many threads a list has at most. */
const maxListed = 50;

const keys: KeysOf<ChatOptions> = {
  ...withoutKeys(turnStreamsKeys, "authorize"),
  codex: true,
  owner: true,
  newThread: true,
  authorize: true,
  basePath: true,
  maxBodyBytes: true,
};

/**
 * The routes of a chat, for anything that takes a fetch handler; for Node, Express and Fastify see
 * `toNodeHandler()`.
 *
 * | route                       | body, and what comes back                                             |
 * | --------------------------- | --------------------------------------------------------------------- |
 * | `POST /threads`             | `{}`; 201 with a `ChatThread`                                         |
 * | `GET /threads`              | `{ threads: ChatThread[] }`, one's own, the newest 50                  |
 * | `GET /threads/:id`          | a `ChatHistory`                                                       |
 * | `POST /threads/:id/turns`   | `{ input }`; 202 `{ turnId, events }`: an id for the routes below     |
 * | `GET /turns/:id/events`     | server-sent events: `TurnStreams.response()`                          |
 * | `POST /turns/:id/answers`   | `{ key, decision, answers?, content? }`; 204                          |
 * | `POST /turns/:id/steer`     | `{ input }`; 204                                                      |
 * | `GET /health`               | 200 or 503, for load balancers: `health()`                            |
 * | `POST /turns/:id/interrupt` | `{}`; 204                                                             |
 *
 * Bodies are JSON, have no other fields, and name no path, no setting and no file of the server. What goes wrong
 * is a problem (RFC 9457); what is somebody else's is 404.
 *
 * ```ts
 * const chat = createChat({ codex, owner: (request) => userOf(request) });
 * createServer(toNodeHandler(chat)).listen(3000);
 * ```
 *
 * @throws InvalidArgumentError
 */
export function createChat(options: ChatOptions): Chat {
  checkOptions("createChat()", options, keys);
  const {
    codex,
    owner,
    newThread = {},
    basePath = "",
    maxBodyBytes = 8 * 1_048_576,
    ...rest
  } = options;
  check("owner", owner, callback);
  check("codex", codex, { fits: isCodex, problem: "must be a Codex, or what behaves like one" });
  check("basePath", basePath, { fits: isBasePath, problem: 'must be a path such as "/api/chat"' });
  checkFields({ maxBodyBytes }, { maxBodyBytes: bytes });
  if (typeof newThread !== "function") checkSettings(newThread);
  const own: Authorize = async (request, subject) => (await owner(request)) === subject.owner;
  const { authorize = own } = rest;
  const streams = new TurnStreams({ ...rest, authorize });
  const threads = new ChatThreads(codex, streams.handlers, rest.parts ?? {});
  const settings = { newThread, basePath, maxBodyBytes, options };
  const chat: ChatParts = { codex, streams, threads, owner, ...settings };
  return Object.assign((request: Request) => answer(chat, request), { streams });
}

/** The options, with their defaults. */
interface ChatParts extends Required<Pick<ChatOptions, "codex" | "owner">> {
  readonly streams: TurnStreams;
  readonly threads: ChatThreads;
  readonly newThread: NonNullable<ChatOptions["newThread"]>;
  readonly basePath: string;
  readonly maxBodyBytes: number;
  readonly options: ChatOptions;
}

/** What a route gets. */
interface Call extends ChatParts {
  readonly request: Request;
  readonly view: HttpRequest;
  /** Who has sent it. */
  readonly user: string;
  /** The id in the path. */
  readonly id: string;
}

const routes: Readonly<Record<string, (call: Call) => Promise<Response>>> = {
  async "POST threads"(call) {
    const { streams, threads, request, user, maxBodyBytes } = call;
    await readBody(request, maxBodyBytes, []);
    const { id: threadId } = await threads.start(await settingsOf(call));
    await streams.ownThread(threadId, user);
    const thread: ChatThread = { threadId, title: null, updatedAt: null };
    return Response.json(thread, { status: 201 });
  },

  async "GET threads"({ streams, threads, user }) {
    const newest = await streams.threadsOf(user, { limit: maxListed });
    return shown({ threads: await Promise.all(newest.map((id) => threads.describe(id))) });
  },

  async "GET threads :id"({ codex, streams, threads, request, id }) {
    await streams.thread(request, codex, id);
    const before = streams.running(id);
    const { turns, ...thread } = await threads.history(id);
    // A turn that has begun or ended meanwhile is shown by its stream, and so not twice, nor by half.
    const running = new Map([...before, ...streams.running(id)]);
    const followed = new Set([...running.values()].map((turn) => turn.id));
    const others = turns.filter((turn) => !followed.has(turn.id)).map(({ parts }) => parts);
    return shown({ ...thread, turns: others, running: [...running.keys()] } satisfies ChatHistory);
  },

  async "POST threads turns"(call) {
    const { codex, streams, threads, request, user, id, basePath, maxBodyBytes } = call;
    await streams.thread(request, codex, id);
    const { input } = await readBody(request, maxBodyBytes, ["input"]);
    const items = readInput(input);
    const thread = await threads.open(id, () => settingsOf(call));
    const turnId = streams.add(thread.turn(items), { owner: user, cwd: thread.opened?.cwd });
    return Response.json({ turnId, events: `${basePath}/turns/${turnId}/events` }, { status: 202 });
  },

  "GET turns events": ({ streams, request, id }) => streams.response(request, id),

  async "POST turns answers"({ streams, request, id, maxBodyBytes }) {
    const fields = ["key", "decision", "answers", "content"] as const;
    await streams.answer(
      request,
      id,
      (await readBody(request, maxBodyBytes, fields)) as BrowserAnswer,
    );
    return done();
  },

  async "POST turns steer"({ streams, request, id, maxBodyBytes }) {
    const { input } = await readBody(request, maxBodyBytes, ["input"]);
    await streams.steer(request, id, readInput(input));
    return done();
  },

  async "POST turns interrupt"({ streams, request, id, maxBodyBytes }) {
    await readBody(request, maxBodyBytes, []);
    await streams.interrupt(request, id);
    return done();
  },
};

/** What the application sets for the user's threads. */
async function settingsOf({ newThread, user, view }: Call): Promise<ChatThreadOptions> {
  if (typeof newThread !== "function") return newThread;
  const settings = await newThread(user, view);
  checkSettings(settings);
  return settings;
}

/** Handlers beside those of the streams would never be asked. @throws InvalidArgumentError */
function checkSettings(settings: ChatThreadOptions): void {
  check("newThread", settings, { fits: isRecord, problem: "must be an object, or give one" });
  for (const name of ["onApproval", "onUserInput", "onElicitation"] as const) {
    if ((settings as StartThreadOptions)[name] === undefined) continue;
    const problem = "must not be given: those who watch a turn answer what it asks";
    throw new InvalidArgumentError(`newThread.${name}`, problem);
  }
}

function isRecord(value: unknown): boolean {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Those of load balancers, which are nobody's user. */
const openRoutes: Readonly<Record<string, (chat: ChatParts) => Response>> = {
  "GET health": ({ codex }) => healthResponse(codex),
};

/** Never rejects. */
async function answer(chat: ChatParts, request: Request): Promise<Response> {
  try {
    const { place, id } = placeOf(chat.basePath, request.url);
    const methods = methodsAt(place);
    if (methods.length === 0) throw new NotFoundError();
    const allow = [...methods, ...(methods.includes("GET") ? ["HEAD"] : []), "OPTIONS"];
    if (!allow.includes(request.method)) throw new MethodNotAllowedError(allow);
    if (request.method === "OPTIONS") {
      return new Response(null, { status: 204, headers: { allow: allow.join(", ") } });
    }
    if (request.method !== "HEAD") return await answerAt(chat, request, place, id);
    // What it would be, without a body.
    const { status, headers, body } = await answerAt(chat, request, place, id);
    await body?.cancel();
    return new Response(null, { status, headers });
  } catch (error) {
    return toProblemResponse(error);
  }
}

async function answerAt(
  chat: ChatParts,
  request: Request,
  place: string,
  id: string,
): Promise<Response> {
  const method = request.method === "HEAD" ? "GET" : request.method;
  const name = `${method} ${place}`;
  const openRoute = openRoutes[name];
  if (openRoute) return openRoute(chat);
  const route = routes[name];
  if (!route) throw new NotFoundError();
  const view = toHttpRequest(request);
  if (method === "POST") checkOrigin(view, chat.options.origins);
  const user = await userOf(chat, view);
  return route({ ...chat, request, view, user, id });
}

/** The methods of a place; none where there is nothing. */
function methodsAt(place: string): string[] {
  const names = Object.keys({ ...openRoutes, ...routes });
  return ["GET", "POST"].filter((method) => names.includes(`${method} ${place}`));
}

async function userOf({ owner, options }: ChatParts, view: HttpRequest): Promise<string> {
  let user: unknown;
  try {
    user = await withinLimit("owner", owner(view));
  } catch (error) {
    (options.onError ?? warnOfFailure)(error);
  }
  if (typeof user !== "string" || user === "") throw new UnauthorizedError();
  return user;
}

function shown(body: unknown): Response {
  return Response.json(body, { headers: { "cache-control": "no-store" } });
}

function done(): Response {
  return new Response(null, { status: 204 });
}

function isCodex(value: unknown): boolean {
  const { startThread, resumeThread, thread } = Object(value) as Record<string, unknown>;
  return [startThread, resumeThread, thread].every((each) => typeof each === "function");
}

function isBasePath(value: unknown): boolean {
  return value === "" || (typeof value === "string" && /^(\/[\w.~-]+)+$/.test(value));
}
