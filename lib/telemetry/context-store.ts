import { AsyncLocalStorage } from "node:async_hooks";
import { context, diag, type Context } from "@opentelemetry/api";

/**
 * Lets a tracing channel run what it carries out in a context of OpenTelemetry's: a channel calls `run()` of the stores
 * that are bound to it, and this one asks OpenTelemetry's context manager, whichever that is.
 */
export class ContextStore extends AsyncLocalStorage<Context> {
  override run<Result, Args extends unknown[]>(
    active: Context,
    callback: (...args: Args) => Result,
    ...args: Args
  ): Result {
    return context.with(active, () => callback(...args));
  }
}

const outer = new WeakMap<object, Context>();

/** The context that was active before anything here has made one for the operation. */
export function outerContext(operation: object): Context {
  let found = outer.get(operation);
  if (!found) {
    found = context.active();
    outer.set(operation, found);
  }
  return found;
}

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
