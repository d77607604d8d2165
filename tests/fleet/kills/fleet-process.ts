import { createServer } from "node:http";
import { Codex } from "../../../lib/index.js";
import { RedisFleetStore, TurnWorker } from "../../../lib/fleet/index.js";
import { TurnStreams } from "../../../lib/http/index.js";

/** What a process of a fleet under test is told, as JSON, behind its name. */
export interface FleetProcessSettings {
  readonly role: "worker" | "web";
  readonly redisPort: number;
  /** Where the servers listen; the owner of a turn, a number, says which one runs it. */
  readonly servers: readonly string[];
  readonly concurrency: number;
  readonly lockDuration: number;
  /** Where a web process listens. */
  readonly port: number;
}

const settings = JSON.parse(process.argv[2] ?? "{}") as FleetProcessSettings;
const { role, redisPort, servers, concurrency, lockDuration } = settings;
const connection = { host: "127.0.0.1", port: redisPort };
const store = new RedisFleetStore({ redis: `redis://127.0.0.1:${redisPort}` });

/** What is in the way of a fleet that is being killed is told for those who look for the reason of a failure. */
function onError(error: unknown): void {
  process.stderr.write(`${role} ${process.pid}: ${String(error).slice(0, 200)}\n`);
}

if (role === "worker") {
  const restart = { retries: 10_000, minDelayMs: 50, maxDelayMs: 500 };
  const clients = servers.map((url) => new Codex({ url, restart }));
  const codexFor = ({ owner }: { readonly owner: string }): Codex => {
    const codex = clients[Number(owner) % clients.length];
    if (!codex) throw new Error("there is no server");
    return codex;
  };
  const worker = new TurnWorker({
    ...{ store, connection, concurrency, lockDuration, codexFor, onError },
    host: "one",
    stalledInterval: lockDuration / 2,
    serverBackMs: 120_000,
  });
  await worker.ready();
} else {
  const streams = new TurnStreams({ authorize: () => true, store: store.streams, onError });
  const web = createServer((request, response) => {
    void streams.pipe(request, response, (request.url ?? "").slice(1));
  });
  await new Promise<void>((resolve) => {
    web.listen(settings.port, "127.0.0.1", resolve);
  });
}
process.stdout.write("ready\n");
