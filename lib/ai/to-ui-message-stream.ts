import type { PartOptions } from "../parts/part-options.js";
import { partsOf, type TurnOfParts } from "../parts/parts-of.js";
import type { TurnPart } from "../parts/turn-part.js";
import type { UIMessageChunk } from "./ui-message-chunk.js";
import { UIMessageChunks } from "./ui-message-chunks.js";

/**
 * A turn, or its parts, as a UI message stream of the AI SDK (protocol v1), which `useChat` reads. Whoever
 * cancels the stream leaves the iteration: of a turn, that interrupts it (see `onBreak`).
 *
 * `options` say what of a turn is shown; parts are shown as they are.
 *
 * @throws InvalidArgumentError for options that it does not know.
 * @throws TurnStreamError when the turn is consumed already.
 */
export function toUIMessageStream(
  source: TurnOfParts | AsyncIterable<TurnPart>,
  options: PartOptions = {},
): ReadableStream<UIMessageChunk> {
  const parts = "stream" in source ? partsOf(source, options) : source;
  const iterator = parts[Symbol.asyncIterator]();
  const chunks = new UIMessageChunks();
  return new ReadableStream<UIMessageChunk>(
    {
      async pull(controller) {
        // A pull that gives nothing would not be followed by another one.
        for (let given = 0; given === 0;) {
          const step = await iterator.next();
          if (step.done === true) {
            controller.close();
            return;
          }
          for (const chunk of chunks.next(step.value)) {
            controller.enqueue(chunk);
            given += 1;
          }
        }
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

/** The headers of such a response. */
export const uiMessageStreamHeaders = {
  "content-type": "text/event-stream",
  "cache-control": "no-cache",
  connection: "keep-alive",
  "x-vercel-ai-ui-message-stream": "v1",
  "x-accel-buffering": "no",
} as const;

/** The same as a `Response` of server-sent events. */
export function toUIMessageResponse(
  source: TurnOfParts | AsyncIterable<TurnPart>,
  options: PartOptions = {},
): Response {
  const frames = new TransformStream<UIMessageChunk, string>({
    transform(chunk, controller) {
      controller.enqueue(`data: ${JSON.stringify(chunk)}\n\n`);
    },
    flush(controller) {
      controller.enqueue("data: [DONE]\n\n");
    },
  });
  const body = toUIMessageStream(source, options)
    .pipeThrough(frames)
    .pipeThrough(new TextEncoderStream());
  return new Response(body, { headers: uiMessageStreamHeaders });
}
