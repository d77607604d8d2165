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
