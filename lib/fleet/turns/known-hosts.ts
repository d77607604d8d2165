import type { FleetStore } from "../store/fleet-store.js";

/**
 * The hosts that a queue has had, the dead ones included: somebody has to look after the jobs that wait for these. Each
 * worker adds its own again when it is not there, since two that add theirs at once leave one out.
 */
export class KnownHosts {
  readonly #store: FleetStore;
  readonly #id: string;

  constructor(store: FleetStore, queueName: string) {
    this.#store = store;
    this.#id = `queue/${queueName}`;
  }

  /** Resolves with those of which no worker is alive. */
  async dead(own: string): Promise<readonly string[]> {
    const noted = await this.#store.noteOf(this.#id, "hosts");
    const known = Array.isArray(noted) ? (noted as readonly string[]) : [];
    if (!known.includes(own)) await this.#store.note(this.#id, "hosts", [...known, own]);
    const alive = new Set(await this.#store.hosts());
    return known.filter((host) => host !== own && !alive.has(host));
  }
}
