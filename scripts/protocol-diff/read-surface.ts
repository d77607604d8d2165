import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { MessageKind } from "../coverage/protocol.js";
import { readAll, readProtocol, type ProtocolExport } from "../generate/generate.js";
import { Notes, renderNote } from "../generate/notes.js";
import type { MethodEntry, RequestEntry } from "../generate/read-methods.js";
import { runBinary, versionIn } from "../generate/run-binary.js";
import { unknown } from "../generate/type-shape.js";
import type { ProtocolSurface, SurfaceMethod } from "./protocol-surface.js";

/**
 * Asks a binary of codex for its protocol: what it has experimental, too. The binary runs in a private home,
 * and starts nothing. Throws when it cannot be run, when it is too old to tell its protocol, and when what
 * it tells is no protocol. Rejects with the signal's reason when that is aborted.
 */
export function readSurface(binary: string, signal?: AbortSignal): Promise<ProtocolSurface> {
  return inPrivateFolder(async (folder) => {
    const version = await askVersion(binary, folder, signal);
    const exported = await readAll(binary, version, folder, signal).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw new Error(
        `codex ${version} does not tell its protocol (${firstError(error)}). Compare with a newer release: 0.155.1 does.`,
        { cause: error },
      );
    });
    return surfaceOf(exported);
  });
}

/** The version of a binary of codex. Throws when it cannot be run, or is none. */
export function readVersion(binary: string, signal?: AbortSignal): Promise<string> {
  return inPrivateFolder((folder) => askVersion(binary, folder, signal));
}

async function inPrivateFolder<T>(use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(path.join(tmpdir(), "codex-protocol-"));
  try {
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
  }
}

/** The protocol in what a binary has exported. */
export function surfaceOf(exported: ProtocolExport): ProtocolSurface {
  const notes = new Notes();
  const { methods, types } = readProtocol(exported, notes);
  return {
    version: exported.version,
    methods: [
      ...listOf("clientRequests", methods.clientRequests),
      ...listOf("clientNotifications", methods.clientNotifications),
      ...listOf("serverRequests", methods.serverRequests),
      ...listOf("serverNotifications", methods.serverNotifications),
    ],
    types,
    notes: notes
      .list()
      .filter(({ what }) => what !== ownMatter)
      .map(renderNote),
  };
}

/** What the generator says of its own table when a release lacks a method. */
const ownMatter = "its result override is not used";

function listOf(
  kind: MessageKind,
  entries: readonly (MethodEntry | RequestEntry)[],
): SurfaceMethod[] {
  return entries.map((entry) => ({
    kind,
    method: entry.method,
    params: entry.params,
    result: !("result" in entry)
      ? undefined
      : entry.result === undefined
        ? unknown
        : { kind: "ref", name: entry.result },
    experimental: entry.experimental,
  }));
}

async function askVersion(
  binary: string,
  folder: string,
  signal: AbortSignal | undefined,
): Promise<string> {
  const output = await runBinary(binary, ["--version"], folder, signal).catch((error: unknown) => {
    signal?.throwIfAborted();
    throw new Error(`${binary} cannot be run (${firstError(error)}).`, { cause: error });
  });
  const version = versionIn(output);
  if (version === undefined)
    throw new Error(`${binary} is no codex: it does not tell its version.`);
  return version;
}

/** What the binary itself calls the error; it may warn of other things before. */
function firstError(error: unknown): string {
  const { message } = error as { readonly message?: unknown };
  const lines = (typeof message === "string" ? message : "unknown").split("\n");
  const said = lines.find((line) => /^error\b/i.test(line)) ?? lines[0] ?? "";
  return said.replace(/^error: /i, "").slice(0, 200);
}
