import type { ModelProviderSummary, ProviderSettingsPatch } from "../../generated/types.js";
import type { Connect } from "../host.js";
import type { ResultOf } from "../protocol.js";

/** The providers, the one that new threads use, and whether that can be changed. */
export type ModelProviderList = ResultOf<"modelProvider/list">;
/** What the provider of new threads can do besides text. */
export type ModelProviderCapabilities = ResultOf<"modelProvider/capabilities/read">;

/** Where models come from. */
export class ModelProviders {
  readonly #connect: Connect;

  /** @internal Use `codex.modelProviders`. */
  constructor(connect: Connect) {
    this.#connect = connect;
  }

  /** The configured providers (`modelProvider/list`). */
  async list(): Promise<ModelProviderList> {
    const host = await this.#connect();
    return host.call("modelProvider/list", {});
  }

  /** What the default provider can do (`modelProvider/capabilities/read`). */
  async capabilities(): Promise<ModelProviderCapabilities> {
    const host = await this.#connect();
    return host.call("modelProvider/capabilities/read", {});
  }

  /**
   * Adds a provider to the user's configuration, or changes one (`modelProvider/config/write`). It is
   * not made the default: write `model_provider` with `codex.config` for that, or name it in
   * `startThread`.
   */
  async configure(settings: ProviderSettingsPatch): Promise<ModelProviderSummary> {
    const host = await this.#connect();
    return (await host.call("modelProvider/config/write", { settings })).provider;
  }
}
