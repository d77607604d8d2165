import { stat } from "node:fs/promises";
import type { LaunchCommand } from "./launch-command.js";

/** The file of the runtime. Undefined when the caller's own command starts it, perhaps on another machine. */
export function runtimeFileOf({ source, command }: LaunchCommand): string | undefined {
  return source === "launch" ? undefined : command;
}

/**
 * Whether the file is no longer where the server was started from. A running server starts itself again for
 * each command in a sandbox.
 */
export async function isGone(runtimeFile: string): Promise<boolean> {
  const code = await stat(runtimeFile).then(
    () => undefined,
    (error: unknown) => (error as NodeJS.ErrnoException).code,
  );
  return code === "ENOENT" || code === "ENOTDIR";
}
