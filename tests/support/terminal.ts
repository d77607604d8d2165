import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { compileProgram } from "./compile-program.js";

/**
 * A host in a terminal of its own, by `script`, which Debian and macOS always have. The host is in the
 * foreground: what is typed as Ctrl-C goes to its whole process group.
 */
export interface Terminal extends AsyncDisposable {
  type(text: string): void;
  /** The next object that the host prints. */
  next(): Promise<Record<string, unknown>>;
  /** Ends the terminal as closing its window does: the host gets a SIGHUP. */
  hangUp(): void;
}

export const ctrlC = "\u0003";

/** Runs a scenario of `terminal-host.ts`, whose only child is the server. */
export async function openTerminalHost(scenario: string, options: object): Promise<Terminal> {
  const host = await compileProgram(new URL("terminal-host.ts", import.meta.url));
  const command = [process.execPath, host, scenario, JSON.stringify(options)];
  const [program, args] = commandLine(command);
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"], detached: true });
  const closed = once(child, "close");
  child.stdin.on("error", () => undefined);
  const shown: string[] = [];
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const hangUp = (): void => {
    if (child.exitCode !== null || child.signalCode !== null || !child.pid) return;
    process.kill(-child.pid, "SIGKILL");
  };
  return {
    hangUp,
    type: (text) => child.stdin.write(text),
    next: async () => {
      for (;;) {
        const line = await lines.next();
        if (line.done === true) throw new Error(`the host has ended:\n${shown.join("\n")}`);
        shown.push(line.value);
        // The terminal shows what was typed, too.
        const json = /\{".*\}/.exec(line.value)?.[0];
        if (json !== undefined) return JSON.parse(json) as Record<string, unknown>;
      }
    },
    [Symbol.asyncDispose]: async () => {
      hangUp();
      await closed;
    },
  };
}

function commandLine(command: readonly string[]): [program: string, args: readonly string[]] {
  // On macOS it wants a pipe, and gets a socket from Node.
  if (process.platform === "darwin") {
    return ["sh", ["-c", 'cat | script -q /dev/null "$@"', "sh", ...command]];
  }
  const quoted = command.map((word) => `'${word.replaceAll("'", "'\\''")}'`);
  return ["script", ["-qfec", `exec ${quoted.join(" ")}`, "/dev/null"]];
}
