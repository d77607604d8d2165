import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";

/**
 * When a process was started, as a text that tells two processes with one id apart; `undefined` where
 * there is no such process, or where this machine does not say.
 */
export async function processStart(pid: number): Promise<string | undefined> {
  if (process.platform === "linux") {
    const status = await readFile(`/proc/${pid}/stat`, "utf8").catch(() => "");
    // The name of the program stands in brackets and may hold anything. Its state is the first field
    // after them, and the ticks since the boot are the 20th.
    const fields = status.slice(status.lastIndexOf(")") + 2).split(" ");
    const ticks = fields[19];
    // One that has ended stays in the list until its parent looks.
    if (ticks === undefined || fields[0] === "Z") return undefined;
    const boot = await readFile("/proc/sys/kernel/random/boot_id", "utf8").catch(() => "");
    return `${boot.trim()} ${ticks}`;
  }
  if (process.platform === "win32") return undefined;
  const asked = promisify(execFile)("ps", ["-o", "lstart=", "-p", String(pid)]);
  const text = await asked.then(
    ({ stdout }) => stdout.trim(),
    () => "",
  );
  return text === "" ? undefined : text;
}

/** Whether the process still runs that had this id and start. */
export async function isRunning(pid: number, started: string | undefined): Promise<boolean> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EPERM") return false;
  }
  const now = await processStart(pid);
  if (now === undefined) return process.platform !== "linux";
  return started === undefined || now === started;
}
