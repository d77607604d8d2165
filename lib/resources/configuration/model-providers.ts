import type {
  ConfigWriteResponse,
  ModelProviderSummary,
  ProviderSettingsPatch,
} from "../../../generated/types.js";
import { checkText } from "../../errors/check-values.js";
import type { ResultOf } from "../../protocol.js";
import { Resource } from "../resource.js";

/** The providers, the one that new threads use, and whether that can be changed. */
export type ModelProviderList = ResultOf<"modelProvider/list">;
/** The abilities of the provider of new threads, besides text. */
export type ModelProviderCapabilities = ResultOf<"modelProvider/capabilities/read">;

/** The model providers of the configuration. */
export class ModelProviders extends Resource {
  /** Lists the configured providers (`modelProvider/list`). */
  async list(): Promise<ModelProviderList> {
    return this.call("modelProvider/list", {});
  }

  /** Reads the abilities of the default provider (`modelProvider/capabilities/read`). */
  async capabilities(): Promise<ModelProviderCapabilities> {
    return this.call("modelProvider/capabilities/read", {});
  }

  /**
   * Adds a provider to the user's configuration, or changes one (`modelProvider/config/write`). It does
   * not become the default: call `setDefault` for that, or name the provider in `startThread`.
   */
  async configure(settings: ProviderSettingsPatch): Promise<ModelProviderSummary> {
    return (await this.call("modelProvider/config/write", { settings })).provider;
  }

  /**
   * Makes a configured provider the default of new threads (`modelProvider/default/set`, new in codex
   * 0.171.0; before, write `model_provider` with `codex.config`). It is written to the user's file, as
   * `model_provider`, and holds at once; existing threads keep theirs.
   *
   * The result's status is `"okOverridden"` when another source, such as a setting given to the client,
   * hides the written value: `overriddenMetadata` names it, and `list()` has `canChangeDefault: false`.
   *
   * @throws ConfigWriteError for a provider that is not configured; nothing was written.
   */
  async setDefault(providerId: string): Promise<ConfigWriteResponse> {
    checkText("providerId", providerId);
    return this.call("modelProvider/default/set", { providerId });
  }
}
