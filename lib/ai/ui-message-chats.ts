import { BoundedMap } from "../async/bounded-map.js";

/** What is known of a chat of `useChat`. */
export interface UIMessageChatRecord {
  readonly threadId: string;
  /** The id of the stream of its newest turn, as `streams.add()` gave it. */
  readonly streamId: string;
}

/**
 * Which thread a chat of `useChat` is, for each user: the id of a chat is a browser's word, and two users may have
 * the same one. The default keeps it in this process; yours keeps it in your database, for a service that stays.
 */
export interface UIMessageChatStore {
  /** Resolves with undefined when this user has no chat of that id. */
  find(owner: string, chatId: string): Promise<UIMessageChatRecord | undefined>;
  /** Remembers it, in the place of what was known of it. */
  save(owner: string, chatId: string, chat: UIMessageChatRecord): Promise<void>;
}

/** How many chats are remembered. */
const maxChats = 10_000;

/** Keeps the newest 10,000 chats in this process. A chat that is forgotten begins anew with its next message. */
export class MemoryUIMessageChatStore implements UIMessageChatStore {
  readonly #chats = new BoundedMap<string, UIMessageChatRecord>(maxChats);

  find(owner: string, chatId: string): Promise<UIMessageChatRecord | undefined> {
    return Promise.resolve(this.#chats.get(nameOf(owner, chatId)));
  }

  save(owner: string, chatId: string, chat: UIMessageChatRecord): Promise<void> {
    this.#chats.set(nameOf(owner, chatId), chat);
    return Promise.resolve();
  }
}

/** One name for the two: no other pair has it. */
export function nameOf(owner: string, chatId: string): string {
  return JSON.stringify([owner, chatId]);
}
