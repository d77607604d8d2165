export { CodexPool } from "./pool/codex-pool.js";
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
export { TurnWorker } from "./turns/turn-worker.js";
export type { TurnJobInfo, TurnWorkerOptions } from "./turns/turn-worker-options.js";
