import { readFile, stat } from "node:fs/promises";
import type { FsGetMetadataResponse, UserInput } from "../../generated/types.js";
import { FileSystemError } from "../errors/machine-errors.js";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";
import type { Session } from "./session.js";
import { isThere, type GivenInput } from "../options/input.js";
import { parseDataUrl, toDataUrl, type DataUrl } from "../media/data-url.js";
import { readAudioName, readSound } from "../media/read-audio.js";
import { readImage } from "../media/read-image.js";
import { isAbsoluteFor, toServerPath } from "../paths/server-files.js";

type InputSession = Pick<Session, "serverFiles" | "request">;

/** The largest file that is read (bytes). The server takes any, and makes large images smaller. */
const maxFileBytes = 256 * 1_048_576;

/**
 * Makes input ready for the server: reads local files and looks at images and sounds, since the server
 * leaves out what it cannot read and tells only the model; puts the content of local files in the place of
 * their paths where the server does not see them; and makes paths absolute.
 *
 * @throws InvalidArgumentError, which names the item.
 */
export async function prepareInput(
  session: InputSession,
  items: readonly GivenInput[],
): Promise<UserInput[]> {
  const ready: UserInput[] = [];
  // One after the other: of several faults the first is told, and one file at a time is in memory.
  for (const [index, given] of items.entries()) {
    const item = "on" in given ? { ...given, on: undefined } : given;
    const asked = { where: `input[${index}]`, isThere: isThere(given) };
    ready.push(await prepareItem(session, item, asked));
  }
  return ready;
}

interface Asked {
  /** What to call the item. */
  readonly where: string;
  /** Whether its path is one of the server's machine. */
  readonly isThere: boolean;
}

async function prepareItem(
  session: InputSession,
  item: UserInput,
  asked: Asked,
): Promise<UserInput> {
  const { where } = asked;
  switch (item.type) {
    case "image":
      checkDetail(item, where);
      return "url" in item ? { ...item, url: readable(item, `${where}.url`) } : item;
    case "audio":
      return "url" in item ? { ...item, url: readable(item, `${where}.url`) } : item;
    case "localImage":
      checkDetail(item, where);
      return prepareFile(session, item, asked);
    case "localAudio":
      return prepareFile(session, item, asked);
    case "skill":
    case "mention": {
      if (isLink(item.path)) return item;
      const path = pathOf(session, item.path, asked);
      // The server says nothing of a skill that it does not find. Of a mention it reads nothing.
      if (item.type === "skill") await checkFileThere(session, path, `${where}.path`);
      return { ...item, path };
    }
    default:
      return item;
  }
}

type Inline = Extract<UserInput, { type: "image" | "audio"; url: string }>;
type LocalFile = Extract<UserInput, { type: "localImage" | "localAudio" }>;

/** The URL in the one form that the server reads. */
function readable({ type, url }: Inline, argument: string): string {
  const data = parseDataUrl(url);
  if (!data) throw new InvalidArgumentError(argument, "must be a whole data: URL");
  return urlOf(type, data, argument);
}

function urlOf(type: Inline["type"], data: DataUrl, argument: string): string {
  const media = type === "image" ? readImage(data.bytes) : readSound(data);
  if (media.problem !== undefined) throw new InvalidArgumentError(argument, media.problem);
  return toDataUrl({ mediaType: media.mediaType, bytes: data.bytes });
}

/** The server takes it, and then leaves the image out. */
function checkDetail({ detail }: { readonly detail?: unknown }, where: string): void {
  if (detail !== "low") return;
  const problem = 'must be "auto", "high" or "original"; the server leaves out images of any other';
  throw new InvalidArgumentError(`${where}.detail`, problem);
}

async function prepareFile(
  session: InputSession,
  item: LocalFile,
  asked: Asked,
): Promise<UserInput> {
  const { serverFiles } = session;
  const argument = `${asked.where}.path`;
  const mediaType = item.type === "localAudio" ? audioTypeOf(item.path, argument) : "";
  if (asked.isThere) {
    const path = pathOf(session, item.path, asked);
    await checkFileThere(session, path, argument);
    return { ...item, path };
  }
  const bytes = await readLocalFile(item.path, argument);
  const kind = item.type === "localImage" ? "image" : "audio";
  const url = urlOf(kind, { mediaType, bytes }, argument);
  // What it sees under the same path, it reads itself.
  if (serverFiles.areShared && isAbsoluteFor(serverFiles, item.path)) return item;
  if (item.type === "localAudio") return { type: "audio", url };
  const { detail } = item;
  return { type: "image", url, ...(detail === undefined ? {} : { detail }) };
}

/** The server goes by the name of the file. */
function audioTypeOf(path: string, argument: string): string {
  const name = readAudioName(path);
  if (name.problem !== undefined) throw new InvalidArgumentError(argument, name.problem);
  return name.mediaType;
}

async function readLocalFile(path: string, argument: string): Promise<Buffer> {
  const stats = await stat(path).catch(() => undefined);
  // Before it is opened: reading a pipe may never end.
  if (!stats?.isFile()) throw new InvalidArgumentError(argument, noFile);
  if (stats.size > maxFileBytes) {
    throw new InvalidArgumentError(argument, `must be a file of at most ${maxFileBytes} bytes`);
  }
  return readFile(path).catch((cause: unknown) => {
    throw new InvalidArgumentError(argument, noFile, { cause });
  });
}

const noFile = "must be a file that this process can read";

/** A path of the server's machine; the place of a relative one is where this process runs, if anywhere. */
function pathOf({ serverFiles }: InputSession, path: string, { where, isThere }: Asked): string {
  const argument = `${where}.path`;
  const isInFull = isAbsoluteFor(serverFiles, path) || path === "" || path.startsWith("~");
  if (isThere && !isInFull) throw new InvalidArgumentError(argument, notInFull);
  return toServerPath(serverFiles, argument, path);
}

const notInFull = 'must be an absolute path on the server\'s system, as on: "server" asks for';

/** Such as `app://notes`. */
function isLink(path: string): boolean {
  return /^[a-z][a-z\d+.-]+:\/\//i.test(path);
}

async function checkFileThere(
  session: InputSession,
  path: string,
  argument: string,
): Promise<void> {
  let found: Partial<FsGetMetadataResponse>;
  try {
    found = await session.request("fs/getMetadata", { path });
  } catch (cause) {
    // A server that does not answer this may have the file all the same.
    if (!(cause instanceof FileSystemError)) return;
    throw new InvalidArgumentError(argument, notThere, { cause });
  }
  if (found.isFile === false) throw new InvalidArgumentError(argument, notThere);
}

const notThere = "must be a file that the server can read on its machine";
