import type { Logger } from "../async/logger.js";
import { MessageTooLargeError } from "../errors/connection-errors.js";
import { shownMethod } from "../errors/without-values.js";
import type { Answer, OnAnswerFailed, RequestMessage } from "./message.js";
import type { LineMessageWriter } from "./writer.js";

/** Answers the server's requests, each when its handler has decided. */
export class ResponseSender {
  readonly #writer: LineMessageWriter;
  readonly #logger: Required<Logger>;
  readonly #handle: (message: RequestMessage) => Promise<Answer | undefined>;
  readonly #maxBytes: number;
  readonly #failed: OnAnswerFailed | undefined;
  #over = false;

  constructor(
    writer: LineMessageWriter,
    logger: Required<Logger>,
    handle: (message: RequestMessage) => Promise<Answer | undefined>,
    {
      maxBytes = Infinity,
      failed,
    }: {
      maxBytes?: number;
      failed?: OnAnswerFailed | undefined;
    } = {},
  ) {
    this.#writer = writer;
    this.#logger = logger;
    this.#handle = handle;
    this.#maxBytes = maxBytes;
    this.#failed = failed;
  }

  /** Never rejects. */
  async answer(request: RequestMessage): Promise<void> {
    try {
      const answer = await this.#handle(request);
      if (answer) await this.#reply(request, answer);
    } catch (error) {
      if (this.#writer.failed) return;
      if (error instanceof MessageTooLargeError) {
        const name = shownMethod(request.method);
        this.#logger.error(
          `The answer of the handler of ${name} is too large to send, so the request was refused.`,
        );
      } else {
        this.#failed?.(error, request);
      }
      const message = "the client failed to handle the request";
      await this.#reply(request, { error: { code: internalError, message } }).catch(
        () => undefined,
      );
    }
  }

  /** Nothing is written any more. */
  end(): void {
    this.#over = true;
  }

  /** Rejects when the answer cannot be written as JSON, is too long, or cannot be sent at all. */
  async #reply({ id }: RequestMessage, answer: Answer): Promise<void> {
    if (this.#over) return;
    await this.#writer.write({ jsonrpc: "2.0", id, ...answer }, this.#maxBytes);
  }
}

const internalError = -32_603;
