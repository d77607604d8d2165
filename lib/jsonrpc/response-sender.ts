import type { Logger } from "../async/logger.js";
import { MessageTooLargeError } from "../errors/connection-errors.js";
import { shownMethod } from "../errors/without-values.js";
import type { ConnectionEnd } from "./connection-end.js";
import type { Answer, RequestMessage } from "./message.js";
import type { LineMessageWriter } from "./writer.js";

/** What decides on the answers. */
export interface Answering {
  readonly logger: Required<Logger>;
  /** Answers a server request, or not; it is called in wire order and may take its time. */
  onRequest(message: RequestMessage): Promise<Answer | undefined>;
  /** Gets why an answer could not be written: what it is made of is the caller's, and may throw. */
  onAnswerFailed?(error: unknown, request: RequestMessage): void;
}

/** Answers the server's requests, each when its handler has decided. */
export class ResponseSender {
  readonly #answering: Answering;
  readonly #writer: LineMessageWriter;
  readonly #end: ConnectionEnd;
  readonly #maxBytes: number;

  constructor(
    answering: Answering,
    { writer, end }: { writer: LineMessageWriter; end: ConnectionEnd },
    maxBytes: number,
  ) {
    this.#answering = answering;
    this.#writer = writer;
    this.#end = end;
    this.#maxBytes = maxBytes;
  }

  /** Never rejects. */
  async answer(request: RequestMessage): Promise<void> {
    try {
      const answer = await this.#answering.onRequest(request);
      if (answer) await this.#reply(request, answer);
    } catch (error) {
      if (this.#writer.failed) return;
      if (error instanceof MessageTooLargeError) {
        const name = shownMethod(request.method);
        this.#answering.logger.error(
          `The answer of the handler of ${name} is too large to send, so the request was refused.`,
        );
      } else {
        this.#answering.onAnswerFailed?.(error, request);
      }
      const message = "the client failed to handle the request";
      await this.#reply(request, { error: { code: internalError, message } }).catch(
        () => undefined,
      );
    }
  }

  /** Rejects when the answer cannot be written as JSON, is too long, or cannot be sent at all. */
  async #reply({ id }: RequestMessage, answer: Answer): Promise<void> {
    if (this.#end.isClosed) return;
    await this.#writer.write({ jsonrpc: "2.0", id, ...answer }, this.#maxBytes);
  }
}

const internalError = -32_603;
