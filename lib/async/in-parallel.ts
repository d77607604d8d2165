/**
 * Calls `work` for each item, at most `limit` at a time. Rejects with the first failure, but only
 * when nothing runs any more; what had not begun by then is left out.
 */
export async function inParallel<T>(
  items: Iterable<T>,
  limit: number,
  work: (item: T) => Promise<void>,
): Promise<void> {
  const waiting = [...items].reverse();
  let failure: { readonly reason: unknown } | undefined;
  const worker = async (): Promise<void> => {
    while (waiting.length > 0 && !failure) {
      try {
        await work(waiting.pop() as T);
      } catch (reason) {
        failure ??= { reason };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(limit, waiting.length) }, worker));
  if (failure) throw failure.reason;
}
