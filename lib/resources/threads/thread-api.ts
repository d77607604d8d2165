import { threadSettingsUpdateParamsKeys } from "../../../generated/methods.js";
import type {
  JsonValue,
  Thread as ThreadRecord,
  ThreadRealtimeEntry,
  ThreadSearchOccurrence,
  ThreadSettingsUpdateParams,
  ThreadUnsubscribeStatus,
} from "../../../generated/types.js";
import { check, checkText, filledArray } from "../../errors/check-values.js";
import { checkOptions, pickKeys } from "../../errors/check-options.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import { callLoaded } from "../../session/call-loaded.js";
import type { GetSession, Session } from "../../session/session.js";
import { checkUpdateSettings } from "../../options/option-keys.js";
import { Pages } from "../../options/pages.js";
import type { ParamsOf } from "../../protocol.js";
import { withReadableImages } from "../../options/readable-images.js";
import { busyError } from "../../session/busy-error.js";
import { sandboxIn } from "../../options/sandbox-options.js";
import { ThreadAttachments } from "./thread-attachments.js";
import { ThreadGoals } from "./thread-goals.js";
import { historyPages } from "./thread-history.js";
import { ThreadQueue } from "./thread-queue.js";
import { ThreadTerminals } from "./thread-terminals.js";
import type { UpdateSettingsOptions } from "../../options/thread-options.js";
import { checkParams, Resource } from "../resource.js";

/** The changes to a thread's metadata, as in `thread/metadata/update`. */
export type UpdateMetadataOptions = Omit<ParamsOf<"thread/metadata/update">, "threadId">;

/** Options for searching one thread, as in `thread/searchOccurrences`. */
export type SearchOccurrencesOptions = Omit<
  ParamsOf<"thread/searchOccurrences">,
  "threadId" | "searchTerm" | "cursor"
>;

/** The items of voice sessions to list, as in `thread/realtime/list`. */
export type ListRealtimeItemsOptions = Omit<
  ParamsOf<"thread/realtime/list">,
  "threadId" | "cursor"
>;

/** The calls on a thread besides running turns. */
export abstract class ThreadApi extends Resource {
  readonly id: string;
  /** The goal that the server works on by itself, turn after turn. */
  readonly goal: ThreadGoals;
  /** Input that the server keeps, to run it when the thread is idle. */
  readonly queue: ThreadQueue;
  /** JSON of the application's own that is stored with the thread. */
  readonly attachments: ThreadAttachments;
  /** The thread's commands that run on in the background. */
  readonly terminals: ThreadTerminals;

  /** @internal */
  constructor(getSession: GetSession, id: string) {
    super(getSession);
    this.id = id;
    this.goal = new ThreadGoals(getSession, id);
    this.queue = new ThreadQueue(getSession, id);
    this.attachments = new ThreadAttachments(getSession, id);
    this.terminals = new ThreadTerminals(getSession, id);
  }

  /**
   * Cuts the stored history before a turn (`thread/revert`): that turn and all later ones are gone, as if
   * they had never run; files that they changed stay as they are. A running turn is interrupted; turns
   * that wait for it run on the shortened history. Resolves with the changed thread.
   *
   * @throws InvalidArgumentError when the thread has no such turn; nothing has happened then.
   */
  async revert({ beforeTurnId }: { beforeTurnId: string }): Promise<ThreadRecord> {
    checkText("beforeTurnId", beforeTurnId);
    const threadId = this.id;
    const session = await this.getSession();
    const slot = session.thread(threadId).slots.enter({ wait: false });
    try {
      await session.load(threadId);
      await requireTurn(session, threadId, beforeTurnId);
      return (await callLoaded(session, "thread/revert", { threadId, beforeTurnId })).thread;
    } finally {
      slot.leave();
    }
  }

  /**
   * Deletes the thread for good, and the threads of its sub-agents (`thread/delete`). The server refuses
   * as long as the thread has forks. A running turn is interrupted in any case, even if the server then
   * refuses.
   */
  async delete(): Promise<void> {
    const session = await this.getSession();
    try {
      await session.call("thread/delete", { threadId: this.id });
    } catch (error) {
      // The server has unloaded it by then, and does not say so.
      session.unload(this.id);
      throw error;
    }
  }

  /**
   * Gives up the thread's events (`thread/unsubscribe`), so that the server can unload it after a while.
   * The next turn of any handle loads it again.
   *
   * @throws ThreadBusyError, before anything is sent, while a turn runs on the thread or waits to: its
   * events would be lost.
   */
  async unsubscribe(): Promise<ThreadUnsubscribeStatus> {
    const session = await this.getSession();
    if (session.thread(this.id).slots.isBusy) {
      throw busyError(
        "thread/unsubscribe",
        "It was not sent. Wait for that turn, or interrupt it.",
      );
    }
    // A turn that begins meanwhile must not be sent before it is known that it needs a resume.
    const slot = session.thread(this.id).slots.enter({ wait: true });
    try {
      return (await session.call("thread/unsubscribe", { threadId: this.id })).status;
    } finally {
      slot.leave();
    }
  }

  /**
   * Adds items to what the model sees of the conversation (`thread/inject_items`), without a turn.
   * They are raw items of the Responses API, such as `{ type: "message", role: "user", content: [{
   * type: "input_text", text }] }`. A turn that runs goes on until the model has seen them. The thread
   * is loaded first.
   *
   * @throws InvalidArgumentError for an image in them that the model would not be shown, and what
   * `AppServerClient.request` throws.
   */
  async injectItems(items: readonly JsonValue[]): Promise<void> {
    check("items", items, filledArray);
    const readable = items.map((item, index) => withReadableImages(item, `items[${index}]`));
    const params = { threadId: this.id, items: readable };
    await this.callLoaded("thread/inject_items", params);
  }

  /**
   * Changes the thread's stored metadata (`thread/metadata/update`), and resolves with the changed thread.
   * Fields that you leave out stay as they are; `null` clears, within `gitInfo` field by field.
   */
  async updateMetadata(metadata: UpdateMetadataOptions): Promise<ThreadRecord> {
    checkParams("updateMetadata()", "thread/metadata/update", metadata);
    const params = { ...metadata, threadId: this.id };
    return (await this.call("thread/metadata/update", params)).thread;
  }

  /**
   * Changes the settings of later turns (`thread/settings/update`), loading the thread first; a running
   * turn keeps its own. Fields that are left out or `null` stay as they are, except that `serviceTier:
   * null` goes back to the default. Experimental in the protocol.
   */
  async updateSettings(settings: UpdateSettingsOptions): Promise<void> {
    const given: UpdateSettingsOptions & Pick<ThreadSettingsUpdateParams, "sandboxPolicy"> =
      checkUpdateSettings(settings);
    const policy = sandboxIn(given);
    const known = pickKeys(given, threadSettingsUpdateParamsKeys);
    const params = { ...known, ...policy, threadId: this.id };
    await this.callLoaded("thread/settings/update", params);
  }

  /**
   * Puts the thread into a section (`thread/section/move`), before another thread of it or at the server's
   * place for new ones; `null` takes the thread out of its section. See `codex.sections`.
   */
  async moveToSection(
    sectionId: string | null,
    options: { beforeThreadId?: string | null | undefined } = {},
  ): Promise<void> {
    if (sectionId !== null) checkText("sectionId", sectionId);
    checkOptions("moveToSection()", options, { beforeThreadId: true });
    await this.call("thread/section/move", { ...options, threadId: this.id, sectionId });
  }

  /**
   * Searches the thread for a text, ignoring case (`thread/searchOccurrences`): in what the user and the
   * model said, oldest first. `turnCursor` leads `turns().page()` to the turn. Experimental in the
   * protocol.
   */
  searchOccurrences(
    searchTerm: string,
    options: SearchOccurrencesOptions = {},
  ): Pages<ThreadSearchOccurrence> {
    checkText("searchTerm", searchTerm);
    checkParams("searchOccurrences()", "thread/searchOccurrences", options);
    const params = { ...options, searchTerm, threadId: this.id };
    return historyPages(this.getSession, "thread/searchOccurrences", params);
  }

  /**
   * Lists the items of the thread's voice sessions (`thread/realtime/list`, experimental, new in codex
   * 0.171.0), oldest first; none for a thread that has had no session, or that the server does not know. A
   * page has up to 500 entries (`limit`). Its `coverage` is `"pending"` until the server has stored the
   * items that `eventId` or `requiredThroughPosition` asks for.
   */
  realtimeItems(options: ListRealtimeItemsOptions = {}): Pages<ThreadRealtimeEntry> {
    checkParams("realtimeItems()", "thread/realtime/list", options);
    return this.pages("thread/realtime/list", { ...options, threadId: this.id });
  }
}

/**
 * The server unloads the thread before it looks for the turn: an id that is not there would cost a
 * running turn, and a thread that was never stored all of itself.
 */
async function requireTurn(session: Session, threadId: string, turnId: string): Promise<void> {
  const params = { threadId, itemsView: "notLoaded", limit: 100 } as const;
  const turns = new Pages((cursor) => session.call("thread/turns/list", { ...params, cursor }));
  for await (const { id } of turns) {
    if (id === turnId) return;
  }
  throw new InvalidArgumentError("beforeTurnId", "must be the id of a turn of this thread");
}
