import path from "node:path";
import type { Codex, Files } from "../../index.js";

/** What knows of the server's files. */
export interface Places {
  readonly files: Pick<Files, "stat">;
  readonly exec: (...call: Parameters<Codex["exec"]>) => ReturnType<Codex["exec"]>;
}

/**
 * Whether a path of the server's machine lies in a directory there, and goes through no link on its way: what a link
 * leads to may lie anywhere. Somebody who changes the directory meanwhile can still put a link there.
 */
export async function staysInside(
  { files, exec }: Places,
  directory: string,
  target: string,
): Promise<boolean> {
  const paths = /^([a-z]:)?\\/i.test(directory) ? path.win32 : path.posix;
  const way = paths.relative(directory, paths.resolve(directory, target));
  if (way === ".." || way.startsWith(`..${paths.sep}`) || paths.isAbsolute(way)) return false;
  let place = directory;
  for (const name of way.split(paths.sep).filter((each) => each !== "")) {
    place = paths.resolve(place, name);
    const stat = await files.stat(place).catch(() => undefined);
    if (!stat) return !(await isLink(exec, place));
    if (stat.isSymlink) return false;
  }
  return true;
}

/**
 * A link that leads nowhere has no properties, and no entry in its directory; what is written through it makes its
 * target. Where the server's machine cannot tell, it counts as one.
 */
async function isLink(exec: Places["exec"], place: string): Promise<boolean> {
  // This reads nothing but the link: no sandbox has to be there for it.
  const test = exec(["test", "-L", place], { sandbox: "danger-full-access", timeoutMs: 10_000 });
  const exitCode = await test.exit.then((result) => result.exitCode).catch(() => undefined);
  return exitCode !== 1;
}
