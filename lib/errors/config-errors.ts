import { AppServerError } from "./base.js";
import { InvalidRequestError, type RpcFailure } from "./rpc-errors.js";

/** Why the server did not write. Newer servers may send names that are not listed here. */
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
  readonly reason: ConfigWriteRefusal;

  constructor(failure: RpcFailure, reason: ConfigWriteRefusal) {
    super(failure, "CONFIG_WRITE_REFUSED");
    this.reason = reason;
  }
}

/**
 * The server accepted the call, but these features are not as asked: their names are unknown, they
 * cannot be switched while the server runs, or its configuration fixes them.
 */
export class FeatureNotChangedError extends AppServerError {
  readonly features: readonly string[];

  constructor(features: readonly string[]) {
    super(
      "FEATURE_NOT_CHANGED",
      `The server did not switch ${features.join(", ")}. Set it in the configuration ` +
        "(features.<name>) before the server starts.",
    );
    this.features = features;
  }
}
