import { AppServerError } from "./base.js";
import { InvalidRequestError, type RpcFailure } from "./rpc-errors.js";

/** The reason why the server did not write. Newer servers may send names that are not listed here. */
export type ConfigWriteRefusal =
  | "configLayerReadonly"
  | "configValidationError"
  | "configVersionConflict"
  // Keeps the list open without losing the completion of the names above.
  | (string & Record<never, never>);

/**
 * The server did not write the configuration; nothing of the call was written. With the reason
 * `"configVersionConflict"` the file has changed since the version you expected was read: read it
 * again, and decide anew.
 */
export class ConfigWriteError extends InvalidRequestError {
  override readonly code = "CONFIG_WRITE_REFUSED";
  readonly reason: ConfigWriteRefusal;

  constructor(failure: RpcFailure, reason: ConfigWriteRefusal) {
    super(failure);
    this.reason = reason;
  }
}

/**
 * The server accepted the call, but these features are not as asked: their names are unknown, they
 * cannot be switched while the server runs, or its configuration fixes them.
 */
export class FeatureNotChangedError extends AppServerError {
  override readonly code = "FEATURE_NOT_CHANGED";
  readonly features: readonly string[];

  /** `unknown`: those of them that the server does not have. */
  constructor(features: readonly string[], unknown: readonly string[] = []) {
    const advice = features.some((name) => !unknown.includes(name))
      ? " Set it in the configuration (features.<name>) before the server starts."
      : "";
    const names = unknown.join(", ");
    const hint =
      unknown.length > 0 ? ` It does not know ${names}: features.list() has the names.` : "";
    super(`The server did not switch ${features.join(", ")}.${advice}${hint}`);
    this.features = features;
  }
}
