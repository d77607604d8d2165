import type {
  Thread,
  ThreadItem,
  ThreadSettings,
  TokenUsageBreakdown,
  Turn,
} from "../../../generated/types.js";
import type { ServerNotificationMethod } from "../../protocol.js";
import type { ServerNotifications } from "../../../generated/methods.js";
import type { ServerConnection } from "../server/server-connection.js";

/** A request of the server that has no answer yet; asked again when another connection resumes its thread. */
export interface OpenQuestion {
  readonly message: { readonly id: number; readonly method: string; readonly params: unknown };
  readonly settle: (answer: Promise<unknown>) => void;
}

/** What the fake server knows of one thread. */
export class FakeThread {
  record: Thread;
  settings: ThreadSettings;
  /** Its turns, oldest first, each with its completed items. */
  readonly turns: { turn: Turn; readonly items: ThreadItem[] }[] = [];
  /** Who hears of it. */
  readonly subscribers = new Set<ServerConnection>();
  readonly questions = new Set<OpenQuestion>();
  /** The tokens that its turns have used so far. */
  used: TokenUsageBreakdown = {
    totalTokens: 0,
    inputTokens: 0,
    cachedInputTokens: 0,
    cacheWriteInputTokens: 0,
    outputTokens: 0,
    reasoningOutputTokens: 0,
  };

  constructor(record: Thread, settings: ThreadSettings) {
    this.record = record;
    this.settings = settings;
  }

  get id(): string {
    return this.record.id;
  }

  notify<M extends ServerNotificationMethod>(
    method: M,
    params: ServerNotifications[M]["params"],
  ): void {
    for (const connection of this.subscribers) {
      void connection.send({ method, params, emittedAtMs: Date.now() });
    }
  }

  setStatus(status: Thread["status"]): void {
    this.record = { ...this.record, status };
    this.notify("thread/status/changed", { threadId: this.id, status });
  }

  /** Adds what a response of the model has used, and gives what the thread has used with it. */
  use(last: TokenUsageBreakdown): TokenUsageBreakdown {
    const sum = { ...this.used };
    for (const key of Object.keys(sum) as (keyof TokenUsageBreakdown)[]) sum[key] += last[key];
    this.used = sum;
    return sum;
  }

  /** Notes how a turn has gone on; `items` as listed are empty, as the server sends them. */
  update(turn: Turn): void {
    const known = this.turns.find((each) => each.turn.id === turn.id);
    if (known) known.turn = turn;
    else this.turns.push({ turn, items: [] });
  }

  /** Asks all who hear of the thread; the first answer counts. */
  ask(id: number, method: string, params: unknown): Promise<unknown> {
    const message = { id, method, params };
    let question: OpenQuestion | undefined;
    const answer = new Promise<unknown>((resolve, reject: (error: unknown) => void) => {
      question = {
        message,
        settle: (given) => {
          given.then(resolve, (error: unknown) => {
            // A connection that is gone answers nothing; one that comes back is asked again.
            const { isConnectionOver } = error as { isConnectionOver?: true };
            if (!isConnectionOver)
              reject(error instanceof Error ? error : new Error(String(error)));
          });
        },
      };
      this.questions.add(question);
      for (const connection of this.subscribers) this.#put(question, connection);
    });
    return answer.finally(() => question && this.questions.delete(question));
  }

  subscribe(connection: ServerConnection): void {
    const isNew = !this.subscribers.has(connection);
    this.subscribers.add(connection);
    if (isNew) for (const question of this.questions) this.#put(question, connection);
  }

  #put({ message: { id, method, params }, settle }: OpenQuestion, on: ServerConnection): void {
    settle(on.ask(id, method, params));
  }
}
