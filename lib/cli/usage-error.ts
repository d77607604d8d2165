/** A command line that does not fit. The message says what to do. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}
