import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";

const uuid = "[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}";
const threadIdPattern = new RegExp(`^${uuid}$`);
const folderPattern = /^(?:sessions\/\d{4}\/\d{2}\/\d{2}|archived_sessions)$/;
/** What was reverted goes on in a file of its own, whose name has another id behind the thread's. */
const filePattern = new RegExp(`^rollout-[\\dT-]{19}-(${uuid})(?:_${uuid})?\\.jsonl$`);
const compressed = ".zst";

/** A place in a `CODEX_HOME`. */
export interface RolloutPlace {
  /** With `/`, such as `sessions/2026/12/01`. */
  readonly folder: string;
  /** The name of the file when it is not compressed: the same file wherever it lies. */
  readonly file: string;
  /** The thread whose history the file holds. */
  readonly threadId: string;
}

/** @throws InvalidArgumentError: an id is part of a path. */
export function checkThreadId(threadId: unknown): asserts threadId is string {
  checkId("threadId", threadId);
}

/** The same for another id that is part of a path. */
export function checkId(argument: string, id: unknown): asserts id is string {
  if (typeof id !== "string" || !threadIdPattern.test(id)) {
    throw new InvalidArgumentError(argument, "must be a UUID in lower case");
  }
}

/** The place that a path in a `CODEX_HOME` names; undefined for whatever is no rollout. */
export function placeOf(path: unknown): RolloutPlace | undefined {
  if (typeof path !== "string") return undefined;
  const slash = path.lastIndexOf("/");
  const folder = path.slice(0, Math.max(slash, 0));
  const place = placeIn(folder, path.slice(slash + 1));
  return folderPattern.test(folder) ? place : undefined;
}

/** The same for the name of a file, compressed or not, in a folder. */
export function placeIn(folder: string, name: string): RolloutPlace | undefined {
  const file = name.endsWith(compressed) ? name.slice(0, -compressed.length) : name;
  const [, threadId] = filePattern.exec(file) ?? [];
  return threadId === undefined ? undefined : { folder, file, threadId };
}

/** The folder in which the server puts a file that is not archived, by the date in its name. */
export function sessionFolderOf(file: string): string {
  const [, year = "", month = "", day = ""] = /^rollout-(\d{4})-(\d{2})-(\d{2})T/.exec(file) ?? [];
  return `sessions/${year}/${month}/${day}`;
}

export const archiveFolder = "archived_sessions";

export function isCompressed(name: string): boolean {
  return name.endsWith(compressed);
}
