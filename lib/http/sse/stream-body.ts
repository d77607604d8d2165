/**
 * A fetch body that is made when it is wanted. Calls `left` once, when it is over or cancelled. Whoever reads it may do
 * with the bytes what they want.
 */
export function streamBody(
  frames: AsyncGenerator<Uint8Array, undefined>,
  left: () => void,
): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const { done, value } = await frames.next();
          if (!done) {
            controller.enqueue(value.slice());
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
