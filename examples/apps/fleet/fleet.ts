// Starts the whole fleet: one Redis, and on each of two hosts an app-server and a worker; two web processes in front of
// them. Whatever dies is started again, as systemd or Kubernetes would. On real machines each of these is a unit of its own.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

const data = process.env.FLEET_DATA ?? mkdtempSync(path.join(tmpdir(), "fleet-"));
/** The native program `codex`, and more of its command line. */
const codex = process.env.CODEX_PROGRAM ?? "codex";
const codexArgs = JSON.parse(process.env.CODEX_ARGS ?? "[]") as string[];
let isEnding = false;
const running = new Map<string, ReturnType<typeof spawn>>();

function keep(name: string, command: string, args: string[], env: Record<string, string> = {}) {
  const child = spawn(command, args, {
    env: { ...process.env, ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  running.set(name, child);
  console.log(`${name} runs as ${child.pid}`);
  child.once("error", (error) => {
    console.error(`${name}: ${error.message}`);
  });
  child.once("exit", () => {
    if (!isEnding) setTimeout(() => keep(name, command, args, env), 500);
  });
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address() as { port: number };
  probe.close();
  await once(probe, "close");
  return port;
}

const redisPort = String(await freePort());
const tsx = ["--import", "tsx"];
mkdirSync(data, { recursive: true });
const redis = ["--port", redisPort, "--bind", "127.0.0.1", "--dir", data, "--appendonly", "yes"];
keep("redis", "redis-server", redis);
for (const host of ["a", "b"]) {
  const home = path.join(data, host);
  mkdirSync(home, { recursive: true });
  const url = `ws://127.0.0.1:${await freePort()}`;
  const server = [...codexArgs, "app-server", "--listen", url];
  keep(`app-server-${host}`, codex, server, { CODEX_HOME: home, CODEX_SQLITE_HOME: home });
  const env = { HOST_NAME: host, SERVER_URL: url, REDIS_PORT: redisPort };
  keep(`worker-${host}`, process.execPath, [...tsx, "worker.ts"], env);
}
for (const web of [1, 2]) {
  const port = await freePort();
  const env = { PORT: String(port), REDIS_PORT: redisPort };
  keep(`web-${web}`, process.execPath, [...tsx, "web.ts"], env);
  console.log(`web-${web}: http://127.0.0.1:${port}`);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    isEnding = true;
    for (const child of running.values()) child.kill("SIGTERM");
    // A worker whose Redis is gone cannot say goodbye.
    setTimeout(() => {
      for (const child of running.values()) child.kill("SIGKILL");
    }, 3_000).unref();
  });
}
