export { CodexPool } from "./pool/codex-pool.js";
export type { CodexPoolOptions, PoolStats, TenantOptions } from "./pool/pool-options.js";
