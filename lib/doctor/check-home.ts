import { randomUUID } from "node:crypto";
import { rm, stat, writeFile } from "node:fs/promises";
import path from "node:path";
import { pause } from "../async/timers.js";
import {
  codexHomeInFull,
  problemOf,
  serverDirectories,
  type ServerDirectories,
} from "../runtime/codex-home.js";
import { mergeEnvironment } from "../runtime/child-env.js";
import type { Finding } from "./finding.js";
import { joinProblems, type Problem } from "./join-problems.js";
import { lockHolders } from "./lock-holders.js";
import { saysAndCure } from "./says-and-cure.js";

const name = "home";
const another = "Name another directory with codexHome.";
/** A database is locked for moments at each start and end of a server (ms). */
const momentMs = 500;

interface HomeOptions {
  readonly codexHome?: string | undefined;
  readonly cwd?: string | undefined;
  readonly signal: AbortSignal;
}

/** Whether a server can work with its directories: they are there, can be written, and nobody locks them. */
export async function checkHome({ codexHome, cwd, signal }: HomeOptions): Promise<Finding> {
  const directories = directoriesOf(codexHome, cwd);
  const { home } = directories;
  const problem = await problemOf(directories);
  if (problem !== undefined) return { name, status: "failure", ...saysAndCure(problem, another) };
  const isThere = await stat(home.path).catch(() => undefined);
  if (!isThere) return { name, status: "ok", says: `${home.path}, which the start makes` };
  const places = [...new Set([home.path, directories.databases.path])];
  const found = await Promise.all(places.map((place) => problemsIn(place, signal)));
  const problems = found.flatMap((each) => each.problems);
  const others = new Set(found.flatMap((each) => [...each.readers]));
  const shared = others.size === 0 ? "" : `, in use by ${describe(others)}, too`;
  return joinProblems(name, problems, `${places.join(", and ")}: can be written${shared}`);
}

function directoriesOf(codexHome: string | undefined, cwd: string | undefined): ServerDirectories {
  const env = mergeEnvironment(process.env, {}, process.platform);
  const own = codexHome === undefined ? {} : { CODEX_HOME: codexHomeInFull(codexHome, env) };
  const merged = mergeEnvironment(env, own, process.platform);
  // Of a server of this machine there are always directories.
  const { home, databases } = serverDirectories({
    source: "codexPath",
    env: merged,
    cwd,
  }) as ServerDirectories;
  // What the option names the library makes, and the server nothing that the variable names.
  const made = { ...home, isMade: home.isMade || codexHome !== undefined };
  return { home: made, databases: databases === home ? made : databases };
}

async function problemsIn(
  place: string,
  signal: AbortSignal,
): Promise<{ problems: Problem[]; readers: ReadonlySet<number> }> {
  const { readers, writers } = await lockHolders(place);
  const [unwritable, locked] = await Promise.all([
    tryToWrite(place),
    writers.size === 0 ? undefined : tryLocks(place, writers, signal),
  ]);
  const problems = [unwritable, locked, await foreign(place)];
  return { problems: problems.filter((problem) => problem !== undefined), readers };
}

/** The rights of a file say nothing of a quota, nor of a disk that is full. */
async function tryToWrite(place: string): Promise<Problem | undefined> {
  const file = path.join(place, `.doctor-${randomUUID()}`);
  try {
    await writeFile(file, "?", { flag: "wx", mode: 0o600 });
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return undefined; // the databases' directory, which the server makes
    const full = code === "ENOSPC" || code === "EDQUOT";
    return {
      status: "failure",
      says: `No file can be made in ${place} (${code}).`,
      cure: full ? "Make room on its disk." : another,
    };
  } finally {
    await rm(file, { force: true }).catch(() => undefined);
  }
}

async function tryLocks(
  place: string,
  first: ReadonlySet<number>,
  signal: AbortSignal,
): Promise<Problem | undefined> {
  await pause(momentMs, signal);
  const { writers } = await lockHolders(place);
  const lasting = new Set([...first].filter((pid) => writers.has(pid)));
  if (lasting.size === 0) return undefined;
  return {
    status: "failure",
    says: `A database in ${place} is locked by ${describe(lasting)}.`,
    cure: "End that process, or give this server a directory of its own with codexHome.",
  };
}

/** What root writes into the directory of a user, that user's own server cannot write later. */
async function foreign(place: string): Promise<Problem | undefined> {
  const own = process.geteuid?.();
  const owner = (await stat(place).catch(() => undefined))?.uid;
  if (own === undefined || owner === undefined || own === owner) return undefined;
  return {
    status: "warning",
    says: `${place} belongs to user ${owner}, and this process runs as ${own}: what it makes there will belong to ${own}.`,
    cure: "Run as the owner, or name another directory with codexHome.",
  };
}

function describe(pids: ReadonlySet<number>): string {
  return `${pids.size === 1 ? "process" : "processes"} ${[...pids].sort((a, b) => a - b).join(", ")}`;
}
