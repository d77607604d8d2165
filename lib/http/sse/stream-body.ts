/** A fetch body of text that is made when it is wanted. Calls `left` once, when it is over or cancelled. */
export function streamBody(
  frames: AsyncGenerator<string, undefined>,
  left: () => void,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await frames.next();
          if (!done) {
            controller.enqueue(encoder.encode(value));
            return;
          }
          controller.close();
        } catch (error) {
          controller.error(error);
        }
        left();
      },
      cancel: left,
    },
    { highWaterMark: 0 },
  );
}
