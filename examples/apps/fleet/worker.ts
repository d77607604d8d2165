import { Codex } from "codex-app-server-sdk";
import { RedisFleetStore, TurnWorker } from "codex-app-server-sdk/fleet";

const { HOST_NAME: host = "a", SERVER_URL: url = "", REDIS_PORT: port = "" } = process.env;
const store = new RedisFleetStore({ redis: `redis://127.0.0.1:${port}` });
// A server that is being started again is waited for.
const codex = new Codex({ url, restart: { retries: 1_000, maxDelayMs: 1_000 } });
const worker = new TurnWorker({
  store,
  connection: { host: "127.0.0.1", port: Number(port) },
  host,
  codexFor: () => codex,
  // A dead worker's turns are followed again after this time. Machines that are paused for longer need more.
  lockDuration: 5_000,
  stalledInterval: 2_500,
});
process.once("SIGTERM", () => {
  void worker
    .close({ drainMs: 2_000 })
    .then(() => codex.close())
    .then(() => store.close());
});
