import { AbstractChat, type ChatInit, type ChatState, type ChatStatus, type UIMessage } from "ai";

/** What `useChat` keeps in React's state, without React. */
class PlainState implements ChatState<UIMessage> {
  #status: ChatStatus = "ready";
  error: Error | undefined;
  messages: UIMessage[] = [];
  readonly #changed: () => void;

  constructor(changed: () => void) {
    this.#changed = changed;
  }

  get status(): ChatStatus {
    return this.#status;
  }

  set status(status: ChatStatus) {
    this.#status = status;
    this.#changed();
  }

  pushMessage = (message: UIMessage): void => {
    this.messages = [...this.messages, message];
    this.#changed();
  };

  popMessage = (): void => {
    this.messages = this.messages.slice(0, -1);
  };

  replaceMessage = (index: number, message: UIMessage): void => {
    this.messages = this.messages.with(index, message);
    this.#changed();
  };

  snapshot = <Thing>(thing: Thing): Thing => structuredClone(thing);
}

/** The chat of the AI SDK that `useChat` is made of. */
export class AiChat extends AbstractChat<UIMessage> {
  readonly #waiting: Set<() => void>;

  constructor(init: ChatInit<UIMessage>) {
    const waiting = new Set<() => void>();
    super({
      ...init,
      state: new PlainState(() => {
        for (const look of waiting) look();
      }),
    });
    this.#waiting = waiting;
  }

  /** Resolves with what `find` gives of the newest message, once it gives something. */
  async until<Found>(find: (message: UIMessage) => Found | undefined): Promise<Found> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.lastMessage && find(this.lastMessage);
        if (found === undefined) return;
        this.#waiting.delete(look);
        resolve(found);
      };
      this.#waiting.add(look);
      look();
    });
  }

  /** Resolves when no response is on its way. What the AI SDK posts by itself, it has begun to post by now. */
  async idle(): Promise<void> {
    const isIdle = () => this.status === "ready" || this.status === "error" || undefined;
    await this.until(isIdle);
  }
}
