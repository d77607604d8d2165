import { checkOptions } from "../../errors/check-options.js";
import type { BrowserAnswer } from "../requests/browser-answer.js";
import { readInput } from "../requests/browser-input.js";
import { healthResponse } from "../health.js";
import { toProblemResponse } from "../to-problem.js";
import type { TurnStreams } from "../turn-streams.js";
import { MethodNotAllowedError, NotFoundError } from "../web-errors.js";
import { chatKeys, type ChatOptions } from "./chat-options.js";
import type { ChatHistory, ChatThread } from "./chat-threads.js";
import {
  openChat,
  refuseWhenClosing,
  settingsOf,
  tellOf,
  visit,
  type ChatParts,
  type Visit,
} from "./open-chat.js";
import { placeOf } from "./place-of.js";
import { readBody } from "./read-body.js";

/** A fetch handler with the routes of a chat, and what stands behind it. */
export interface Chat {
  (request: Request): Promise<Response>;
  readonly streams: TurnStreams;
}

/** How many threads a list has at most. */
const maxListed = 50;

/**
 * The routes of a chat, for anything that takes a fetch handler; for Node and Express see `toNodeHandler()`, and
 * for Fastify `toFastifyHandler()`.
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
  checkOptions("createChat()", options, chatKeys);
  const chat = openChat(options);
  return Object.assign((request: Request) => answer(chat, request), { streams: chat.streams });
}

/** What a route gets. */
interface Call extends Visit {
  /** The id in the path. */
  readonly id: string;
}

const routes: Readonly<Record<string, (call: Call) => Promise<Response>>> = {
  async "POST threads"(call) {
    const { streams, threads, request, user, maxBodyBytes } = call;
    await readBody(request, maxBodyBytes, []);
    refuseWhenClosing(streams);
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
    refuseWhenClosing(streams);
    const thread = await threads.open(id, () => settingsOf(call));
    refuseWhenClosing(streams);
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

/** Those of load balancers, which are nobody's user. */
const openRoutes: Readonly<Record<string, (chat: ChatParts) => Response>> = {
  "GET health": ({ codex, streams }) => healthResponse(codex, streams),
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
    if (!request.signal.aborted) tellOf(chat, error);
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
  return route({ ...(await visit(chat, request)), id });
}

/** The methods of a place; none where there is nothing. */
function methodsAt(place: string): string[] {
  const names = Object.keys({ ...openRoutes, ...routes });
  return ["GET", "POST"].filter((method) => names.includes(`${method} ${place}`));
}

function shown(body: unknown): Response {
  return Response.json(body, { headers: { "cache-control": "no-store" } });
}

function done(): Response {
  return new Response(null, { status: 204 });
}
