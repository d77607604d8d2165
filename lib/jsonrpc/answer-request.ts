import { MessageTooLargeError } from "../errors/connection-errors.js";
import { shownMethod } from "../errors/without-values.js";
import type { ConnectionEnd } from "./connection-end.js";
import type { Answer, RequestMessage, RequestReceiver } from "./message.js";
import type { LineMessageWriter } from "./writer.js";

/** What the answers go through. */
interface Outgoing {
  readonly writer: LineMessageWriter;
  readonly end: ConnectionEnd;
  readonly maxBytes: number;
}

/** Answers a request of the server when its handler has decided. Never rejects. */
export async function answerRequest(
  request: RequestMessage,
  receiver: RequestReceiver,
  outgoing: Outgoing,
): Promise<void> {
  try {
    const answer = await receiver.onRequest(request);
    if (answer) await reply(request, answer, outgoing);
  } catch (error) {
    if (outgoing.writer.failed) return;
    if (error instanceof MessageTooLargeError) {
      const name = shownMethod(request.method);
      receiver.logger.error(
        `The answer of the handler of ${name} is too large to send, so the request was refused.`,
      );
    } else {
      receiver.onAnswerFailed?.(error, request);
    }
    const refusal = { code: internalError, message: "the client failed to handle the request" };
    await reply(request, { error: refusal }, outgoing).catch(() => undefined);
  }
}

/** Rejects when the answer cannot be written as JSON, is too long, or cannot be sent at all. */
async function reply(
  { id }: RequestMessage,
  answer: Answer,
  { writer, end, maxBytes }: Outgoing,
): Promise<void> {
  if (!end.isClosed) await writer.write({ jsonrpc: "2.0", id, ...answer }, maxBytes);
}

const internalError = -32_603;
