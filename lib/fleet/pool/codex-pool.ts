import { Deferred } from "../../async/deferred.js";
import { checkOptions } from "../../errors/check-options.js";
import { check, checkFields, text } from "../../errors/check-values.js";
import { Codex, HandleClosedError, TenantOptionsError, type CloseOptions } from "../../index.js";
import { placesOf } from "./places-of.js";
import {
  resolvePoolOptions,
  waitTime,
  type CodexPoolOptions,
  type PoolStats,
} from "./pool-options.js";
import { ServerPlaces } from "./server-places.js";
import { TurnPlaces } from "./turn-places.js";

interface Tenant {
  /** Resolves with nothing when it was removed before its options were there. */
  readonly made: Promise<Codex | undefined>;
  /** Its options are not waited for any more. */
  readonly giveUp: () => void;
  /** What it shares with nobody. */
  places: readonly string[];
  /** Once it has been made. */
  codex?: Codex;
  /** Resolves when its `Codex` is closed, and the key free again; never rejects. */
  leaving?: Promise<void>;
}

/**
 * A `Codex` for each tenant, with a directory, an environment and a login of its own, over no more servers than the
 * machine can carry. A tenant's server is started by the first call that needs it. When there is no place for another,
 * the pool ends the one that was used least recently and has nothing to do; the next call of its tenant starts it
 * again. Nothing that runs is ever ended: a call for which there is no place waits for it, in order.
 *
 * ```ts
 * const pool = new CodexPool({
 *   maxServers: 5,
 *   optionsFor: (user) => ({ codexHome: `/srv/codex/${user}` }),
 * });
 * const codex = await pool.get("alice");
 * const thread = await codex.startThread();
 * ```
 *
 * `await using pool = new CodexPool(…)` closes it at the end of the block.
 */
export class CodexPool implements AsyncDisposable {
  readonly #options: ReturnType<typeof resolvePoolOptions>;
  readonly #servers: ServerPlaces;
  readonly #turns: TurnPlaces<Codex>;
  readonly #tenants = new Map<string, Tenant>();
  /** Which tenant has what no other may have. */
  readonly #places = new Map<string, Tenant>();
  #isClosed = false;

  /** Starts nothing. @throws InvalidArgumentError for an option that cannot work. */
  constructor(options: CodexPoolOptions) {
    this.#options = resolvePoolOptions(options);
    this.#servers = new ServerPlaces(this.#options);
    this.#turns = new TurnPlaces(this.#options);
  }

  /**
   * The `Codex` of a tenant; the same one for each call with this key. It starts nothing and takes no place: a server is
   * started when a call needs it, and may be ended between two calls. So keep it, and the handles of its threads, for as
   * long as you like; there is nothing to give back. One that was closed is replaced by another.
   *
   * Calls of the `Codex` may wait for a place, and reject with a PoolFullError.
   *
   * @param key any string that is not empty.
   * @throws TenantOptionsError when `optionsFor` fails, or gives what another tenant has: its `codexHome`, or its `url`;
   * HandleClosedError when the pool is closed; InvalidArgumentError.
   */
  async get(key: string): Promise<Codex> {
    check("key", key, text);
    for (;;) {
      if (this.#isClosed) throw poolClosed();
      const tenant = this.#tenants.get(key) ?? this.#add(key);
      if (tenant.codex && isOver(tenant.codex)) void this.#leave(key, tenant, restOf(tenant.codex));
      if (tenant.leaving) {
        await tenant.leaving;
        continue;
      }
      const codex = await tenant.made;
      if (codex) return codex;
    }
  }

  /**
   * Closes the `Codex` of a tenant, as `codex.close()` does, and forgets the key. Resolves when its server is gone; at
   * once when the pool does not know the key. A `get()` that comes meanwhile waits for that, and makes another.
   *
   * @throws InvalidArgumentError for options that cannot work.
   */
  async remove(key: string, options: CloseOptions = {}): Promise<void> {
    checkClose("remove()", options);
    const tenant = this.#tenants.get(key);
    if (tenant) await this.#leave(key, tenant, options);
  }

  /** What the pool does at this moment, for metrics and a health check. It sends nothing. */
  stats(): PoolStats {
    return {
      tenants: this.#tenants.size,
      servers: this.#servers.running,
      turns: this.#turns.running,
      waitingForServer: this.#servers.waiting,
      waitingForTurn: this.#turns.waiting,
    };
  }

  /** The tenants that the pool knows, each with its `Codex`, whose `currentStatus` tells whether its server runs. */
  *[Symbol.iterator](): IterableIterator<[key: string, codex: Codex]> {
    for (const [key, { codex }] of this.#tenants) if (codex) yield [key, codex];
  }

  /**
   * Closes the `Codex` of every tenant, as `codex.close()` does, with the same options; calls that wait for a place
   * reject, or with `drainMs` go on to their end. Resolves when all servers are gone. Every later `get()` rejects. It
   * may be called again, for example without `drainMs`, to end sooner.
   *
   * @throws InvalidArgumentError for options that cannot work. Nothing else rejects it.
   */
  async close(options: CloseOptions = {}): Promise<void> {
    checkClose("close()", options);
    this.#isClosed = true;
    await Promise.all([...this.#tenants].map(([key, tenant]) => this.#leave(key, tenant, options)));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #add(key: string): Tenant {
    const givenUp = new Deferred<undefined>();
    const giveUp = (): void => {
      givenUp.resolve(undefined);
    };
    const make = () => Promise.race([this.#make(key, tenant), givenUp.promise]);
    const tenant: Tenant = { made: Promise.resolve().then(make), giveUp, places: [] };
    this.#tenants.set(key, tenant);
    return tenant;
  }

  async #make(key: string, tenant: Tenant): Promise<Codex | undefined> {
    let unclaimed: Codex | undefined;
    try {
      const options = await this.#options.optionsFor(key);
      const codex: Codex = new Codex(options, {
        idleShutdownMs: this.#options.idleMs,
        server: (signal) => this.#servers.enter(codex, signal),
        turn: (signal) => this.#enterTurn(codex, signal),
      });
      unclaimed = codex;
      const places = await placesOf(options);
      if (tenant.leaving) {
        await codex.close();
        return undefined;
      }
      this.#claim(places, tenant);
      tenant.codex = codex;
      return codex;
    } catch (error) {
      await unclaimed?.close();
      this.#forget(key, tenant);
      if (error instanceof TenantOptionsError) throw error;
      throw new TenantOptionsError(
        "optionsFor gave no options for this tenant: see the cause of this error. The next get() asks again.",
        { cause: error },
      );
    }
  }

  async #enterTurn(codex: Codex, signal: AbortSignal): Promise<() => void> {
    const leave = await this.#turns.enter(codex, signal);
    return () => {
      leave();
      // Its server may have nothing more to do.
      this.#servers.wake();
    };
  }

  #claim(places: readonly string[], tenant: Tenant): void {
    if (places.some((place) => this.#places.has(place))) {
      throw new TenantOptionsError(
        "optionsFor gave two tenants one server directory, or one url: they would share logins and threads. Give " +
          "each key a codexHome of its own, and set no CODEX_SQLITE_HOME for all.",
      );
    }
    for (const place of places) this.#places.set(place, tenant);
    tenant.places = places;
  }

  #leave(key: string, tenant: Tenant, options: CloseOptions): Promise<void> {
    const close = async (): Promise<void> => {
      // Options that never come must not keep anybody waiting.
      tenant.giveUp();
      await tenant.made.catch(() => undefined);
      await tenant.codex?.close(options);
      this.#forget(key, tenant);
    };
    const closed = close();
    tenant.leaving ??= closed;
    return closed;
  }

  #forget(key: string, tenant: Tenant): void {
    if (this.#tenants.get(key) === tenant) this.#tenants.delete(key);
    for (const place of tenant.places) this.#places.delete(place);
    tenant.places = [];
  }
}

/** Whether no server will run for it any more: somebody has closed it, or lost it with `restart: false`. */
function isOver({ currentStatus }: Codex): boolean {
  const { state } = currentStatus;
  if (state === "lost") return !currentStatus.mayRestart;
  return state === "closed" || state === "draining";
}

/** How a `Codex` is closed that is over: one that lets its turns end goes on with that. */
function restOf({ currentStatus }: Codex): CloseOptions {
  return currentStatus.state === "draining" ? { drainMs: Infinity } : {};
}

function checkClose(call: string, options: CloseOptions): void {
  checkOptions(call, options, { drainMs: true });
  checkFields(options, { drainMs: waitTime });
}

function poolClosed(): HandleClosedError {
  return new HandleClosedError("The pool", "new CodexPool()");
}
