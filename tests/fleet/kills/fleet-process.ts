import { createServer } from "node:http";
import { Codex } from "../../../lib/index.js";
import { TurnWorker } from "../../../lib/fleet/index.js";
import { deployTool } from "../../support/deploy-tool.js";
import { TurnStreams } from "../../../lib/http/index.js";
import { fleetOptions, type DatabasePlace } from "../../support/fleet-database.js";

/** What a process of a fleet under test is told, as JSON, behind its name. */
export interface FleetProcessSettings {
  readonly role: "worker" | "web";
  readonly database: DatabasePlace;
  /** Where the servers listen; the owner of a turn, a number, says which one runs it. */
  readonly servers: readonly string[];
  readonly concurrency: number;
  readonly lockDuration: number;
  /** Where a web process listens. */
  readonly port: number;
  readonly whenLockLost?: "handOver" | "interrupt";
  /** Gives jobs the tool `deploy`, which writes who calls it into this file; its first call never ends. */
  readonly deployLog?: string;
}

const settings = JSON.parse(process.argv[2] ?? "{}") as FleetProcessSettings;
const { role, database, servers, concurrency, lockDuration, deployLog } = settings;
const shared = fleetOptions(database);

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
    ...shared,
    ...{ concurrency, lockDuration, codexFor, onError },
    host: "one",
    stalledInterval: lockDuration / 2,
    serverBackMs: 120_000,
    whenLockLost: settings.whenLockLost,
    handlersFor: () => ({ tools: deployLog === undefined ? undefined : [deployTool(deployLog)] }),
  });
  await worker.ready();
} else {
  const streams = new TurnStreams({ authorize: () => true, store: shared.store.streams, onError });
  const web = createServer((request, response) => {
    void streams.pipe(request, response, (request.url ?? "").slice(1));
  });
  await new Promise<void>((resolve) => {
    web.listen(settings.port, "127.0.0.1", resolve);
  });
}
process.stdout.write("ready\n");
