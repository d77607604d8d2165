import type { TurnState } from "../results/turn-state.js";
import { AnswerText, wantedMessages, type TextStreamOptions } from "./answer-text.js";
import { MessageUpdates, type MessageUpdate } from "./message-updates.js";
import type { SomeEvent } from "./text-merge.js";

/** What the streams are made of, and where the outcome comes from. */
interface Handle {
  /** The one iteration of the events. */
  stream(): AsyncIterable<SomeEvent>;
  run(): Promise<unknown>;
}

/**
 * The messages in the events of a turn or a goal, and their text. An iteration that stopped at a turn that
 * has gone silent is gone on with by the next one: so what has been read is kept.
 */
export class MessageStreams {
  readonly #handle: Handle;
  readonly #messages = new MessageUpdates();
  readonly #text = new AnswerText();

  constructor(handle: Handle) {
    this.#handle = handle;
  }

  /** The turn has run before: of what is open, the events do not bring the beginning. */
  joined({ id, openItems }: TurnState): void {
    this.#messages.joined(id, openItems);
  }

  async *updates(): AsyncGenerator<MessageUpdate, undefined> {
    for await (const event of this.#handle.stream()) {
      for (const update of this.#messages.next(event)) yield update;
    }
    await this.#handle.run();
    return undefined;
  }

  /** @throws InvalidArgumentError */
  texts(options: TextStreamOptions): AsyncGenerator<string, undefined> {
    return this.#texts(wantedMessages(options));
  }

  async *#texts(wanted: ReturnType<typeof wantedMessages>): AsyncGenerator<string, undefined> {
    for await (const event of this.#handle.stream()) {
      this.#text.observe(event);
      for (const update of this.#messages.next(event)) {
        const text = this.#text.next(update, wanted);
        if (text !== "") yield text;
      }
    }
    await this.#handle.run();
    return undefined;
  }
}
