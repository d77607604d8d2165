import type { PartOptions } from "../parts/part-options.js";
import { partsOf, type TurnOfParts } from "../parts/parts-of.js";
import type { TurnPart } from "../parts/turn-part.js";
import { chunkResponse, chunkStream } from "./chunk-stream.js";
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
  return chunkStream(parts, new UIMessageChunks());
}

/** The same as a `Response` of server-sent events. */
export function toUIMessageResponse(
  source: TurnOfParts | AsyncIterable<TurnPart>,
  options: PartOptions = {},
): Response {
  return chunkResponse(toUIMessageStream(source, options));
}
