import type { ExperimentalFeature } from "../../../generated/types.js";
import { FeatureNotChangedError } from "../../errors/config-errors.js";
import { check, flag } from "../../errors/check-values.js";
import type { Pages } from "../../options/pages.js";
import type { ParamsOf } from "../../protocol.js";
import { checkParams, Resource } from "../resource.js";

/** The thread to list features for, as in `experimentalFeature/list`. */
export type ListFeaturesOptions = Omit<ParamsOf<"experimentalFeature/list">, "cursor">;

/** The server's feature flags. */
export class Features extends Resource {
  /** Lists all flags, with their stage and whether they are on (`experimentalFeature/list`). */
  list(options: ListFeaturesOptions = {}): Pages<ExperimentalFeature> {
    checkParams("features.list()", "experimentalFeature/list", options);
    return this.pages("experimentalFeature/list", options, { loaded: true });
  }

  /**
   * Switches features on or off until the server process ends (`experimentalFeature/enablement/set`). Few
   * can be switched while it runs; for the others, and for good, write `features.<name>` with
   * `codex.config`.
   *
   * The server does not report features that it leaves as they are, so the library lists them afterwards.
   *
   * @throws FeatureNotChangedError when some are not as asked; the others are.
   */
  async set(enablement: Readonly<Record<string, boolean>>): Promise<void> {
    for (const [name, enabled] of Object.entries(enablement)) {
      check(`enablement.${name}`, enabled, flag);
    }
    await this.call("experimentalFeature/enablement/set", { enablement: { ...enablement } });
    const features = await this.list().all();
    const now = new Map(features.map(({ name, enabled }) => [name, enabled]));
    const others = Object.keys(enablement).filter((name) => now.get(name) !== enablement[name]);
    if (others.length === 0) return;
    throw new FeatureNotChangedError(
      others,
      others.filter((name) => !now.has(name)),
    );
  }
}
