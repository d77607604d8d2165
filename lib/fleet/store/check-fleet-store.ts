import { checkTurnStreamStore } from "../../http/index.js";
import type { FleetStore } from "./fleet-store.js";
import type { FleetChecks, FleetStoresUnderTest } from "./fleet-checks.js";
import { jobChecks } from "./job-checks.js";
import { streamChecks } from "./stream-checks.js";
import { threadChecks } from "./thread-checks.js";

const long = 30_000;

/**
 * Checks that a store of yours does what a fleet relies on, each promise of `FleetStore` and of its streams. `make` gives
 * two instances that share one database, as two machines do; it is called for each check, and both are closed after it.
 * The database must have nothing under the names that begin with `prefix`.
 *
 * ```ts
 * await checkFleetStore(() => ({ here: new RedisFleetStore({ redis }), there: new RedisFleetStore({ redis }) }));
 * ```
 *
 * @throws an Error that names the check that fails; `cause` says what the store does otherwise.
 */
export async function checkFleetStore(
  make: () => FleetStoresUnderTest | Promise<FleetStoresUnderTest>,
  prefix = `check-${Date.now()}`,
): Promise<void> {
  const makeStreams = async () => {
    const { here, there } = await make();
    const close = () => Promise.all([here.close(), there.close()]).then(() => undefined);
    return { writing: closing(here, close), reading: closing(there, close) };
  };
  await checkTurnStreamStore(makeStreams, `${prefix}-streams`);
  // What waits in a store need not keep the process alive; the checks have to.
  const running = setInterval(() => undefined, long);
  try {
    const checks: FleetChecks = { ...jobChecks, ...threadChecks, ...streamChecks };
    for (const [name, checkOne] of Object.entries(checks)) {
      const stores = await make();
      try {
        await checkOne({ ...stores, id: `${prefix}-${name.replaceAll(" ", "-")}` });
      } catch (error) {
        throw new Error(`The store fails the check "${name}".`, { cause: error });
      } finally {
        await Promise.all([stores.here.close(), stores.there.close()]);
      }
    }
  } finally {
    clearInterval(running);
  }
}

/** The streams of a store, which are closed with it. */
function closing({ streams }: FleetStore, close: () => Promise<void>): FleetStore["streams"] {
  return new Proxy(streams, {
    get: (target, name) => {
      if (name === "close") return close;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === "function" ? (value.bind(target) as unknown) : value;
    },
  });
}
