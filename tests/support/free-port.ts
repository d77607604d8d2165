import { once } from "node:events";
import { createServer } from "node:net";

/**
 * Below the ports that a system gives to whoever names none (from 32,768 on, or later). One of those, let go of for a
 * moment, may belong to somebody else in the next, be it as the near end of a connection to it.
 */
const firstPort = 20_000;
const portsOfWorker = 1_000;

/** Files that run at the same time are given different ones. */
const workerPort = firstPort + (Number(process.env["JEST_WORKER_ID"] ?? 0) % 12) * portsOfWorker;
let last = Math.floor(Math.random() * portsOfWorker);

/** A port of the loopback that nobody listens on, now or while a server that had it is started again. */
export async function freePort(): Promise<number> {
  for (;;) {
    last = (last + 1) % portsOfWorker;
    if (await isFree(workerPort + last)) return workerPort + last;
  }
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer();
  probe.listen(port, "127.0.0.1");
  try {
    await once(probe, "listening");
  } catch {
    return false;
  }
  probe.close();
  await once(probe, "close");
  return true;
}
