import { appendFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunCommand } from "../run-command.js";
import { isRunning, processStart } from "../process-start.js";

const name = "children";

/**
 * Runs programs as `run` does, and notes in a folder which were started: `kill -9` ends this process
 * alone, and what it had started would go on working.
 */
export function notingChildren(folder: string, run: RunCommand): RunCommand {
  const file = path.join(folder, name);
  return (command, args, options) =>
    run(command, args, {
      ...options,
      onStart: (pid) => {
        void processStart(pid).then((started) => {
          // The folder is gone when the program was quicker than this.
          if (started !== undefined)
            tryTo(() => {
              appendFileSync(file, `${pid} ${started}\n`);
            });
        });
        options.onStart?.(pid);
      },
    });
}

/** Ends the programs, and all that they have started, that a killed process has left running. */
export async function endChildren(folder: string): Promise<void> {
  const text = await readFile(path.join(folder, name), "utf8").catch(() => "");
  for (const line of text.split("\n")) {
    const [, pid, started] = /^(\d+) (.+)$/.exec(line) ?? [];
    if (started === undefined || !(await isRunning(Number(pid), started))) continue;
    tryTo(() => process.kill(-Number(pid), "SIGKILL"));
    const deadline = performance.now() + 5_000;
    while ((await isRunning(Number(pid), started)) && performance.now() < deadline) await sleep(20);
  }
}

function tryTo(action: () => unknown): void {
  try {
    action();
  } catch {
    // It has ended by itself.
  }
}
