/** Gives back what was taken. */
export type Leave = () => void;

/** What a `Codex` asks before it runs a server, and before its turns begin: a pool's part in it. */
export interface Admission {
  /** How long its servers may be idle (ms); `false` for ever. */
  readonly idleShutdownMs: number | false;
  /**
   * Resolves when a server may be started. What it resolves with is called when that server is gone.
   *
   * @throws what the calls that need the server reject with; the reason of `signal`.
   */
  server(signal: AbortSignal): Promise<Leave>;
  /** The same for a turn, or a goal. */
  turn(signal: AbortSignal): Promise<Leave>;
}
