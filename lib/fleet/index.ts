export { CodexPool } from "./pool/codex-pool.js";
export type { CodexPoolOptions, PoolStats, TenantOptions } from "./pool/pool-options.js";
export {
  DirectoryRolloutStore,
  type DirectoryRolloutStoreOptions,
} from "./rollouts/directory-rollout-store.js";
export { exportThread } from "./rollouts/export-thread.js";
export { importThread } from "./rollouts/import-thread.js";
export type {
  ImportThreadOptions,
  MoveThreadOptions,
  ReleaseThreadOptions,
} from "./rollouts/move-options.js";
export { releaseThread } from "./rollouts/release-thread.js";
export type {
  MovedThread,
  RolloutEntry,
  RolloutManifest,
  RolloutRole,
  RolloutStore,
} from "./rollouts/rollout-store.js";
