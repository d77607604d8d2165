import { findRuntime } from "../../lib/runtime/find-runtime.js";

/** The program that the library would start from a project, whatever the environment says. Throws without one. */
export async function findProgram(root: string): Promise<string> {
  const { command } = await findRuntime({ env: {}, packageRoot: root, startDirs: [root] });
  return command;
}
