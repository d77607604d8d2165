import type {
  ConfigWriteResponse,
  ModelProviderSummary,
  ProviderSettingsPatch,
} from "../../../generated/types.js";
import { checkText } from "../../errors/check-values.js";
import type { ResultOf } from "../../protocol.js";
import type { GetSession } from "../../session/session.js";

/** The providers, the one that new threads use, and whether that can be changed. */
export type ModelProviderList = ResultOf<"modelProvider/list">;
/** What the provider of new threads can do besides text. */
export type ModelProviderCapabilities = ResultOf<"modelProvider/capabilities/read">;

/** Where models come from. */
export class ModelProviders {
  readonly #getSession: GetSession;

  /** @internal Use `codex.modelProviders`. */
  constructor(getSession: GetSession) {
    this.#getSession = getSession;
  }

  /** The configured providers (`modelProvider/list`). */
  async list(): Promise<ModelProviderList> {
    const session = await this.#getSession();
    return session.call("modelProvider/list", {});
  }

  /** What the default provider can do (`modelProvider/capabilities/read`). */
  async capabilities(): Promise<ModelProviderCapabilities> {
    const session = await this.#getSession();
    return session.call("modelProvider/capabilities/read", {});
  }

  /**
   * Adds a provider to the user's configuration, or changes one (`modelProvider/config/write`). It is
   * not made the default: call `setDefault` for that, or name it in `startThread`.
   */
  async configure(settings: ProviderSettingsPatch): Promise<ModelProviderSummary> {
    const session = await this.#getSession();
    return (await session.call("modelProvider/config/write", { settings })).provider;
  }

  /**
   * Makes a configured provider the one that new threads use (`modelProvider/default/set`, new in codex
   * 0.171.0; before, write `model_provider` with `codex.config`). It is written to the user's file, as
   * `model_provider`, and holds at once; threads that are there keep theirs.
   *
   * The result's status is `"okOverridden"` when something else, such as a setting given to the client,
   * hides what was written: `overriddenMetadata` says what, and `list()` has `canChangeDefault: false`.
   *
   * @throws ConfigWriteError for a provider that is not configured; nothing was written.
   */
  async setDefault(providerId: string): Promise<ConfigWriteResponse> {
    checkText("providerId", providerId);
    const session = await this.#getSession();
    return session.call("modelProvider/default/set", { providerId });
  }
}
