import { diag } from "@opentelemetry/api";

/**
 * Telemetry must not fail what it looks at, nor what else is recorded of it: what goes wrong goes to OpenTelemetry's own
 * log. Returns undefined then.
 */
export function attempt<Result>(record: () => Result): Result | undefined {
  try {
    return record();
  } catch (error) {
    tell(error);
    return undefined;
  }
}

/** The same for a function that others call. */
export function guarded<Args extends unknown[]>(
  callback: (...args: Args) => void,
): (...args: Args) => void {
  return (...args) => {
    attempt(() => {
      callback(...args);
    });
  };
}

function tell(error: unknown): void {
  try {
    diag.error("codex-app-server-sdk/telemetry could not record something.", error);
  } catch {
    // The log is the application's, too.
  }
}
