/**
 * When a consumer lags: when so many events wait for it, or so many bytes of them. One read from the pipe
 * brings some 300 events at most: a consumer that keeps up gets there only when a flood comes before the
 * answer to its start.
 */
export const lag = { mergeFrom: 1_000, lagWeight: 262_144 };

export interface SomeEvent {
  readonly method: string;
  readonly params?: unknown;
}

/**
 * The thing that an event tells the newest state of: the diff, the plan or the usage of a turn, or the
 * patch of a file change. Each tells all of it, so a consumer that lags can do without the older ones.
 * Undefined for everything else: that a status was there matters even when it is over.
 */
export function supersedingKey({ method, params }: SomeEvent): string | undefined {
  switch (method) {
    case "item/fileChange/patchUpdated":
    case "thread/tokenUsage/updated":
    case "turn/diff/updated":
    case "turn/plan/updated": {
      const { threadId, turnId, itemId } = (params ?? {}) as Readonly<Record<string, unknown>>;
      if (typeof threadId !== "string" || typeof turnId !== "string") return undefined;
      return `${method} ${threadId} ${turnId} ${typeof itemId === "string" ? itemId : ""}`;
    }
    default:
      return undefined;
  }
}
