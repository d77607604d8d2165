import { PoolFullError } from "../../index.js";
import { Line } from "./line.js";

export interface TurnPlacesOptions {
  readonly maxTurns: number;
  readonly maxTurnsPerTenant: number;
  readonly maxWaiting: number;
  readonly waitMs: number;
}

/** The turns of one tenant. */
interface TenantTurns {
  readonly line: Line;
  running: number;
}

/**
 * Says when turns may begin. Of one tenant they begin in order; tenants take turns with each other, so that one with a
 * hundred waiting turns delays another's by one.
 */
export class TurnPlaces<Tenant> {
  readonly #options: TurnPlacesOptions;
  /** Those that have turns, the tenant whose turn it is next in front. */
  readonly #tenants = new Map<Tenant, TenantTurns>();
  #running = 0;

  constructor(options: TurnPlacesOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    let waiting = 0;
    for (const { line } of this.#tenants.values()) waiting += line.size;
    return waiting;
  }

  /**
   * Resolves when the tenant may begin a turn, with what gives its place back.
   *
   * @throws PoolFullError; the reason of `signal`.
   */
  async enter(tenant: Tenant, signal: AbortSignal): Promise<() => void> {
    const turns = this.#of(tenant);
    try {
      // Who could begin now does not wait: a place that is free for a tenant has nobody in front of it.
      if (this.#hasPlaceFor(turns)) this.#take(turns);
      else if (this.#options.waitMs === 0) throw new PoolFullError("turns", 0);
      else await turns.line.wait(signal);
    } catch (error) {
      this.#tidy(tenant, turns);
      throw error;
    }
    let isInside = true;
    return () => {
      if (!isInside) return;
      isInside = false;
      turns.running -= 1;
      this.#running -= 1;
      this.#admitMore();
      this.#tidy(tenant, turns);
    };
  }

  #of(tenant: Tenant): TenantTurns {
    const { maxWaiting, waitMs } = this.#options;
    const known = this.#tenants.get(tenant);
    if (known) return known;
    const turns = { line: new Line({ resource: "turns", maxWaiting, waitMs }), running: 0 };
    this.#tenants.set(tenant, turns);
    return turns;
  }

  #hasPlaceFor({ running }: TenantTurns): boolean {
    const { maxTurns, maxTurnsPerTenant } = this.#options;
    return this.#running < maxTurns && running < maxTurnsPerTenant;
  }

  #take(turns: TenantTurns): void {
    turns.running += 1;
    this.#running += 1;
  }

  #admitMore(): void {
    for (let next = this.#next(); next; next = this.#next()) {
      const [tenant, turns] = next;
      this.#take(turns);
      // The others come first from now on.
      this.#tenants.delete(tenant);
      this.#tenants.set(tenant, turns);
      turns.line.admitNext();
    }
  }

  #next(): [Tenant, TenantTurns] | undefined {
    for (const entry of this.#tenants) {
      const [, turns] = entry;
      if (turns.line.size > 0 && this.#hasPlaceFor(turns)) return entry;
    }
    return undefined;
  }

  #tidy(tenant: Tenant, turns: TenantTurns): void {
    if (turns.running === 0 && turns.line.size === 0) this.#tenants.delete(tenant);
  }
}
