import { userInfo } from "node:os";
import { environmentVariable } from "./child-env.js";
import type { LaunchCommand } from "./launch-command.js";

/**
 * The user's home directory, as a server that is started like this sees it. Undefined when the caller's
 * own command starts it, perhaps on another machine.
 */
export function homeOf({ source, env }: Pick<LaunchCommand, "source" | "env">): string | undefined {
  if (source === "launch") return undefined;
  const { platform } = process;
  const name = platform === "win32" ? "USERPROFILE" : "HOME";
  return environmentVariable(env, name, platform) || userInfo().homedir;
}
