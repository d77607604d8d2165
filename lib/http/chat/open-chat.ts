import { bytes, callback, check, checkFields } from "../../errors/check-values.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import type { StartThreadOptions } from "../../index.js";
import { checkOrigin } from "../requests/check-origin.js";
import { toHttpRequest, type HttpRequest } from "../requests/http-request.js";
import { withinLimit } from "../requests/within-limit.js";
import { toProblem } from "../to-problem.js";
import { TurnStreams } from "../turn-streams.js";
import { warnOfFailure, type Authorize } from "../turn-streams-options.js";
import { StreamsClosedError, UnauthorizedError, WebError } from "../web-errors.js";
import type { ChatOptions } from "./chat-options.js";
import { ChatThreads, type ChatThreadOptions } from "./chat-threads.js";

/** The options, with their defaults. */
export interface ChatParts extends Required<Pick<ChatOptions, "codex" | "owner">> {
  readonly streams: TurnStreams;
  readonly threads: ChatThreads;
  readonly newThread: NonNullable<ChatOptions["newThread"]>;
  readonly basePath: string;
  readonly maxBodyBytes: number;
  readonly options: ChatOptions;
}

/** A request that came to a chat. */
export interface Visit extends ChatParts {
  readonly request: Request;
  readonly view: HttpRequest;
  /** Who has sent it. */
  readonly user: string;
}

/** What stands behind a chat. @throws InvalidArgumentError */
export function openChat(options: ChatOptions): ChatParts {
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
  return { codex, streams, threads, owner, newThread, basePath, maxBodyBytes, options };
}

/**
 * Asks where a request comes from, and who has sent it.
 *
 * @throws OriginRefusedError, UnauthorizedError
 */
export async function visit(chat: ChatParts, request: Request): Promise<Visit> {
  const view = toHttpRequest(request);
  if (request.method === "POST") checkOrigin(view, chat.options.origins);
  return { ...chat, request, view, user: await userOf(chat, view) };
}

/** What is begun in a process that ends would only be broken off. @throws StreamsClosedError */
export function refuseWhenClosing(streams: TurnStreams): void {
  if (streams.isClosing) throw new StreamsClosedError();
}

/** Tells the application of an error that no user can mend: they get a sentence, and nobody else would know of it. */
export function tellOf({ options }: Pick<ChatParts, "options">, error: unknown): void {
  if (error instanceof WebError || toProblem(error).status < 500) return;
  (options.onError ?? warnOfFailure)(error);
}

/** What the application sets for the user's threads. */
export async function settingsOf({ newThread, user, view }: Visit): Promise<ChatThreadOptions> {
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

function isCodex(value: unknown): boolean {
  const { startThread, resumeThread, thread } = Object(value) as Record<string, unknown>;
  return [startThread, resumeThread, thread].every((each) => typeof each === "function");
}

function isBasePath(value: unknown): boolean {
  return value === "" || (typeof value === "string" && /^(\/[\w.~-]+)+$/.test(value));
}
