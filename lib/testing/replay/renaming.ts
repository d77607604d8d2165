import type { ReceivedMessage } from "../server/message.js";

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** What has another name in a replay than in its recording: request ids, and ids that the client makes up. */
export class Renaming {
  readonly #requests = new Map<string, ReceivedMessage["id"]>();
  readonly #texts = new Map<string, string>();

  /** Compares a message of the client with the recorded one. */
  learn(recorded: ReceivedMessage | undefined, came: ReceivedMessage): void {
    if (!recorded) return;
    if (came.method !== undefined && came.id !== undefined) {
      this.#requests.set(JSON.stringify(recorded.id), came.id);
    }
    this.#compare(recorded.params, came.params);
  }

  /** A recorded message of the server, as it is to be sent now. */
  apply(message: ReceivedMessage): unknown {
    const { id, method } = message;
    const isAnswer = method === undefined && id !== undefined;
    const own = isAnswer
      ? { ...message, id: this.#requests.get(JSON.stringify(id)) ?? id }
      : message;
    if (this.#texts.size === 0) return own;
    let text = JSON.stringify(own);
    for (const [from, to] of this.#texts) text = text.replaceAll(from, to);
    return JSON.parse(text) as unknown;
  }

  #compare(recorded: unknown, came: unknown): void {
    if (typeof recorded === "string" && typeof came === "string") {
      if (recorded !== came && uuid.test(recorded) && uuid.test(came)) {
        this.#texts.set(recorded, came);
      }
      return;
    }
    if (typeof recorded !== "object" || recorded === null) return;
    for (const [key, value] of Object.entries(recorded)) {
      this.#compare(value, (Object(came) as Record<string, unknown>)[key]);
    }
  }
}
