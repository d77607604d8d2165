import { AppServerError } from "./base.js";

/** What a pool has too few of: places for servers, or for turns. */
export type PoolResource = "servers" | "turns";

/**
 * Every place of a `CodexPool` was taken, and none became free in time, or too many wait already. Nothing was sent.
 * Over HTTP that is a 503.
 */
export class PoolFullError extends AppServerError {
  override readonly code = "POOL_FULL";
  override readonly sent = false;
  readonly resource: PoolResource;
  /** How long it waited (ms); 0 when it was refused at once. */
  readonly waitedMs: number;

  constructor(resource: PoolResource, waitedMs: number) {
    const [what, option] =
      resource === "servers" ? ["server", "maxServers"] : ["turn", "maxTurns or maxTurnsPerTenant"];
    super(
      `The pool has no place for another ${what}` +
        (waitedMs > 0
          ? `, and none became free within ${waitedMs} ms. `
          : ", and too many wait for one. ") +
        `Try again later, or raise ${option}.`,
    );
    this.resource = resource;
    this.waitedMs = waitedMs;
  }
}

/**
 * `optionsFor` of a `CodexPool` gave no options that a `Codex` could be made with; `cause` is what it threw, or what is
 * wrong with them. Other tenants work on, and the next `get()` asks for the options anew.
 */
export class TenantOptionsError extends AppServerError {
  override readonly code = "TENANT_OPTIONS";
  override readonly sent = false;
}
