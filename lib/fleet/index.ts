export { CodexPool } from "./pool/codex-pool.js";
export { remoteTurns, type RemoteTurnsOptions } from "./remote-turns.js";
export { checkFleetStore } from "./store/check-fleet-store.js";
export type { FleetStoresUnderTest } from "./store/fleet-checks.js";
export type {
  CommandOutcome,
  FleetStore,
  SendingMark,
  SentCommand,
  TurnCommand,
  WaitOptions,
} from "./store/fleet-store.js";
export type { KeepTimes } from "./store/keep-times.js";
export { patientStreams, type PatientStreamsOptions } from "./store/patient-streams.js";
export { PostgresFleetStore } from "./store/postgres/postgres-fleet-store.js";
export type { PostgresFleetStoreOptions } from "./store/postgres/postgres-options.js";
export { RedisFleetStore } from "./store/redis/redis-fleet-store.js";
export type { IoredisInstance, RedisFleetStoreOptions } from "./store/redis/redis-options.js";
export type { CodexPoolOptions, PoolStats, TenantOptions } from "./pool/pool-options.js";
export { TurnQueue } from "./turns/turn-queue.js";
export type { TurnQueueOptions } from "./turns/turn-queue-options.js";
export type {
  AddTurnJobOptions,
  NewThreadOptions,
  TurnJobOptions,
  TurnJobSettings,
} from "./turns/turn-request.js";
export { TurnJob } from "./turns/turn-job.js";
export type {
  JobEvent,
  JobResultOptions,
  JobStreamOptions,
  TurnJobState,
} from "./turns/turn-job.js";
export { TurnWorker, type CloseTurnWorkerOptions } from "./turns/turn-worker.js";
export type { TurnJobInfo, TurnWorkerOptions } from "./turns/turn-worker-options.js";
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
