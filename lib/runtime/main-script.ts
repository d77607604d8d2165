import path from "node:path";
import { kindOf } from "./files.js";

/** The facts that tell how a process was started. */
export type StartedProcess = Pick<NodeJS.Process, "argv" | "execArgv" | "versions">;

/**
 * The script that a process was started with: its file, or the directory that was named for it.
 * `undefined` when there is none. Then `argv[1]` is an argument of whatever runs in its place, and may
 * name any file: code of `node -e`, a script on the standard input, a packaged Electron application.
 */
export async function mainScript({
  argv,
  execArgv,
  versions,
}: StartedProcess): Promise<string | undefined> {
  const script = argv[1];
  // Node makes the path of a script absolute, and leaves an argument as it is.
  if (script === undefined || !path.isAbsolute(script)) return undefined;
  if ("electron" in versions || execArgv.some(runsSomethingElse)) return undefined;
  // `node main` runs main.js.
  for (const file of [script, `${script}.js`]) {
    if ((await kindOf(file)) !== "missing") return file;
  }
  return undefined;
}

function runsSomethingElse(option: string): boolean {
  return /^(?:-e|-p|-pe|--eval|--print|--snapshot-blob|--prof-process)(?:=|$)/.test(option);
}
