import { Codex } from "codex-app-server-sdk";
import { RedisFleetStore, TurnWorker } from "codex-app-server-sdk/fleet";

const [port = "", url = "", concurrency = ""] = process.argv.slice(2);
const store = new RedisFleetStore({ redis: `redis://127.0.0.1:${port}` });
const codex = new Codex({ url });
const worker = new TurnWorker({
  store,
  connection: { host: "127.0.0.1", port: Number(port) },
  host: "bench",
  concurrency: Number(concurrency),
  codexFor: () => codex,
});
await worker.ready();
process.once("SIGTERM", () => {
  void worker
    .close()
    .then(() => codex.close())
    .then(() => store.close());
});
process.stdout.write("ready\n");
