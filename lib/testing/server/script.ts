import type { JsonValue } from "../json.js";

/**
 * One thing that a scripted server does. In each value, text may hold `{{params.threadId}}`, `{{id}}` or `{{count}}`
 * (which message of this method it is, from 1) of the message that the steps react to, and
 * `{{index}}` inside `repeat`. `{ repeatText: "x", times: 1000 }` stands for a long text.
 */
export type Step =
  /** Answers the request that the steps react to, or the oldest open one of the method `to`. */
  | { readonly respond: JsonValue; readonly to?: string }
  | { readonly refuse: JsonValue; readonly to?: string }
  | { readonly notify: string; readonly params?: JsonValue; readonly emittedAtMs?: number }
  /** A request to the client. */
  | { readonly ask: string; readonly id: string | number | null; readonly params?: JsonValue }
  /** Any JSON value as a line; any text as a line; any bytes (base64), `chunk` in a write. */
  | { readonly send: JsonValue }
  | { readonly line: string }
  | { readonly bytes: string; readonly chunk?: number }
  /** Puts what these steps send into a single write, or into writes of `chunk` bytes. */
  | { readonly together: readonly Step[]; readonly chunk?: number }
  | { readonly repeat: number; readonly steps: readonly Step[] }
  /** Goes on when so many messages of a method have come, since the server was made. */
  | { readonly waitFor: string; readonly count?: number }
  | { readonly waitForUnanswered: number }
  | { readonly waitForAnswer: string | number }
  /** Goes on when so many bytes have been read in all, be they whole messages or not. */
  | { readonly waitForBytes: number }
  | { readonly waitForEof: true }
  | { readonly stderr: JsonValue; readonly times?: number }
  | { readonly exit: number }
  | { readonly kill: NodeJS.Signals }
  | { readonly close: "stdin" | "stdout" }
  | { readonly stopReading: true }
  /** Starts a process that inherits all pipes and lives on, silent or not. Child processes only. */
  | { readonly spawnHolder: "and is silent" | "and logs" };

/** What to do for each message of a method, or for the first, the second and so on; the last list stays. */
export type Steps = readonly Step[] | readonly (readonly Step[])[];

/** A server's behaviour as plain data. */
export interface Script {
  /** Done first, before anything is read: by each connection, or by the first, the second and so on. */
  readonly start?: Steps;
  /**
   * By method; `"*"` is for methods without one of their own. An empty list never answers.
   */
  readonly on?: Readonly<Record<string, Steps>>;
}

/** The list for the n-th time (from 1) of what may have one for each. */
export function stepsFor(steps: Steps, count: number): readonly Step[] {
  const isPerTime = Array.isArray(steps[0]);
  if (!isPerTime) return steps as readonly Step[];
  return (steps as readonly (readonly Step[])[])[Math.min(count, steps.length) - 1] ?? [];
}
