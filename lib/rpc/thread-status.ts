/**
 * Whether a thread whose status is of this type runs no turn. Of a type that a newer server may have,
 * nothing is known.
 */
export function isAtRest(type: unknown): boolean {
  return type === "idle" || type === "notLoaded" || type === "systemError";
}
