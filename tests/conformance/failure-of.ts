import type { Failure } from "./scenario.js";

/** An error as data; without its sentence, which the tests of its class are about. */
export function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { name: typeof error };
  const fields = error as Error &
    Partial<Record<"code" | "exitCode" | "signal" | "reason", unknown>>;
  const { code, exitCode, signal, reason, cause } = fields;
  return {
    // DOM exceptions have a name of their own, ours are told apart by their class.
    name: error instanceof DOMException ? error.name : error.constructor.name,
    ...(typeof code === "string" ? { code } : {}),
    ...(exitCode === undefined ? {} : { exitCode: exitCode as number | null }),
    ...(signal === undefined ? {} : { signal: signal as string | null }),
    ...(typeof reason === "string" ? { reason } : {}),
    ...(cause instanceof Error ? { cause: cause.constructor.name } : {}),
  };
}
