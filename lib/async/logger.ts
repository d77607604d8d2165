import { callSafely } from "./call-safely.js";

/**
 * Receives the library's reports that are no error of a call: `console` fits, and so does any logger whose
 * methods take a string. Messages name methods and counts, never params or values.
 */
export interface Logger {
  debug?(message: string): void;
  info?(message: string): void;
  warn?(message: string): void;
  error?(message: string): void;
}

/**
 * `logger` with every method present. Logging must never change what the library does: `failed` gets what
 * a method throws, or rejects with.
 */
export function safeLogger(
  logger: Logger | undefined,
  failed: (error: unknown) => void = ignore,
): Required<Logger> {
  const call = (level: keyof Logger) => (message: string) => {
    callSafely(() => logger?.[level]?.(message), failed);
  };
  return { debug: call("debug"), info: call("info"), warn: call("warn"), error: call("error") };
}

function ignore(): void {}
