import type { ModelStreamPart, ModelWarning } from "./model-types.js";
import type { SteppedTurn } from "./stepped-turn.js";

/** A step as a stream. Whoever cancels it interrupts the turn. */
export function streamOfStep(
  turn: SteppedTurn,
  signal: AbortSignal | undefined,
  warnings: ModelWarning[],
): ReadableStream<ModelStreamPart> {
  turn.follow(signal);
  const parts = turn.step();
  return new ReadableStream<ModelStreamPart>(
    {
      start(controller) {
        controller.enqueue({ type: "stream-start", warnings });
      },
      async pull(controller) {
        const { value, done } = await parts.next();
        if (done === true) controller.close();
        else controller.enqueue(value);
      },
      cancel(reason) {
        turn.stop(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
