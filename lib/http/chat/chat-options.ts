import { withoutKeys, type KeysOf } from "../../errors/check-options.js";
import type { Codex } from "../../index.js";
import type { HttpRequest } from "../requests/http-request.js";
import {
  turnStreamsKeys,
  type Authorize,
  type TurnStreamsOptions,
} from "../turn-streams-options.js";
import type { ChatThreadOptions, ThreadSource } from "./chat-threads.js";

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

export const chatKeys: KeysOf<ChatOptions> = {
  ...withoutKeys(turnStreamsKeys, "authorize"),
  codex: true,
  owner: true,
  newThread: true,
  authorize: true,
  basePath: true,
  maxBodyBytes: true,
};
