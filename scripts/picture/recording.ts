import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

/** What a program printed, piece by piece. */
export interface Recording {
  /** The example that ran: the name of its file. */
  readonly example: string;
  /** Pieces of the output, each with the milliseconds since the first one. */
  readonly pieces: readonly (readonly [number, string])[];
}

export const recordedExample = "25-agent-at-work.ts";

/**
 * Runs the example as a user without a login would, and notes what it prints and when. The model takes
 * `paceMs` between two words.
 */
export async function record(root: string, paceMs: number): Promise<Recording> {
  const home = await mkdtemp(path.join(tmpdir(), "picture-"));
  try {
    const child = spawn(process.execPath, ["--import", "tsx", `examples/${recordedExample}`], {
      cwd: root,
      env: { ...process.env, HOME: home, CODEX_HOME: home, PACE_MS: String(paceMs) },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const pieces: [number, string][] = [];
    let start: number | undefined;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      const now = performance.now();
      start ??= now;
      pieces.push([Math.round((now - start) / 10) * 10, text]);
    });
    const [code] = (await once(child, "close")) as [number | null];
    if (code !== 0) throw new Error(`${recordedExample} ended with code ${String(code)}`);
    return { example: recordedExample, pieces };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

/** All that was printed. */
export function printedText({ pieces }: Recording): string {
  return pieces.map(([, text]) => text).join("");
}
