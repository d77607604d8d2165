import { diag } from "@opentelemetry/api";

/** Telemetry must not fail what it looks at: what goes wrong goes to OpenTelemetry's own log. */
export function guarded<Args extends unknown[]>(
  callback: (...args: Args) => void,
): (...args: Args) => void {
  return (...args) => {
    try {
      callback(...args);
    } catch (error) {
      diag.error("codex-app-server-sdk/telemetry could not record something.", error);
    }
  };
}
