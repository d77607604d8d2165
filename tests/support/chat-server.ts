import { post, readTurn, type TurnReading } from "../../lib/browser/index.js";
import {
  createChat,
  toNodeHandler,
  type ChatOptions,
  type TurnPart,
} from "../../lib/http/index.js";
import { startWebServer } from "./web-server.js";

/** The routes of a chat on the loopback, whose users say who they are in a header. */
export interface ChatServer extends AsyncDisposable {
  readonly url: string;
  /** What a page of this user's would call. */
  as(user: string): ChatUser;
  close(): Promise<void>;
}

export interface ChatUser {
  /** Posts to a route; resolves with what came back, throws a WebProblemError. */
  post<T>(route: string, body: object): Promise<T>;
  get(route: string): Promise<Response>;
  /** The parts of a turn. */
  read(turnId: string): TurnReading;
}

export async function startChatServer(options: Omit<ChatOptions, "owner">): Promise<ChatServer> {
  const chat = createChat({ owner: ({ header }) => header("x-user"), ...options });
  const web = await startWebServer(toNodeHandler(chat));
  const as = (user: string): ChatUser => {
    const init = { headers: { "x-user": user } };
    return {
      post: async <T>(route: string, body: object) =>
        (await post(`${web.url}${route}`, body, init)) as T,
      get: (route) => fetch(`${web.url}${route}`, init),
      read: (turnId) => readTurn(`${web.url}/turns/${turnId}/events`, init),
    };
  };
  const close = async (): Promise<void> => {
    await chat.streams.close();
    await web.close();
  };
  return { url: web.url, as, close, [Symbol.asyncDispose]: close };
}

/** Reads until a part of this type has come, and says what it is. */
export async function untilPart<Type extends TurnPart["type"]>(
  reading: AsyncGenerator<TurnPart, undefined>,
  type: Type,
): Promise<Extract<TurnPart, { type: Type }>> {
  for (;;) {
    const step = await reading.next();
    if (step.done) throw new Error(`there is no ${type}`);
    if (step.value.type === type) return step.value as Extract<TurnPart, { type: Type }>;
  }
}
