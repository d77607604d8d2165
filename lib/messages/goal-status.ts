/** Whether the `goal` of an answer or a notification is active: the server then works on it by itself. */
export function hasActiveGoal(holder: unknown): boolean {
  const { goal } = (holder ?? {}) as { goal?: { status?: unknown } | null };
  return goal?.status === "active";
}
