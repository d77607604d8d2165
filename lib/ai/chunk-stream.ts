import { sseHeaders } from "../http/sse/sse-headers.js";
import type { TurnPart } from "../parts/turn-part.js";
import type { UIMessageChunk } from "./ui-message-chunk.js";
import type { UIMessageChunks } from "./ui-message-chunks.js";

/** Makes chunks of parts until these are over, or until the page is to answer. Cancelling it leaves the parts. */
export function chunkStream(
  parts: AsyncIterable<TurnPart>,
  chunks: UIMessageChunks,
  first: readonly UIMessageChunk[] = [],
): ReadableStream<UIMessageChunk> {
  const iterator = parts[Symbol.asyncIterator]();
  return new ReadableStream<UIMessageChunk>(
    {
      start(controller) {
        for (const chunk of first) controller.enqueue(chunk);
      },
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
          if (chunks.waitsFor === undefined) continue;
          controller.close();
          await iterator.return?.();
          return;
        }
      },
      async cancel() {
        await iterator.return?.();
      },
    },
    { highWaterMark: 0 },
  );
}

const headers = { ...sseHeaders, "x-vercel-ai-ui-message-stream": "v1" };

/** Chunks as server-sent events. */
export function chunkResponse(chunks: ReadableStream<UIMessageChunk>): Response {
  const frames = new TransformStream<UIMessageChunk, string>({
    transform(chunk, controller) {
      controller.enqueue(`data: ${JSON.stringify(chunk)}\n\n`);
    },
    flush(controller) {
      controller.enqueue("data: [DONE]\n\n");
    },
  });
  const body = chunks.pipeThrough(frames).pipeThrough(new TextEncoderStream());
  return new Response(body, { headers });
}
