import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import ts from "typescript";
import { keyOf, readCoverage } from "../coverage/coverage-table.js";
import { readProtocol, type Method } from "../coverage/protocol.js";
import { readProgram } from "./affected-program.js";
import { indexChanges } from "./index-changes.js";
import type { ProtocolChange, ProtocolChanges } from "./protocol-changes.js";
import { scanFile } from "./scan-file.js";

/** What of this library has to do with a change; empty lists where nothing has. */
export interface Affected {
  /** What users call or hold: `"thread.read()"`, the nearest first. */
  readonly api: readonly string[];
  /** Places in `lib/`: `"lib/thread.ts:12"`, or the file where a type is only named. */
  readonly code: readonly string[];
  readonly tests: readonly string[];
  readonly examples: readonly string[];
  /** Places in `scripts/` and `benchmarks/`. */
  readonly scripts: readonly string[];
  /** Documents that name a method. */
  readonly docs: readonly string[];
}

/** By the changes' ids: every change has an entry. */
export type AffectedByChange = ReadonlyMap<string, Affected>;

export interface FindAffectedOptions {
  /** How the library offers a method that it knows. Default: as docs/coverage.md says. */
  readonly offersOf?: ((method: Method) => readonly string[]) | undefined;
}

/**
 * Finds what of the project in `root` each change has to do with. Words are known by their types, so a
 * field is only found on a value of its type; of a field that went, the most is found while `generated/`
 * is still that of the release before.
 */
export async function findAffected(
  { changes }: ProtocolChanges,
  root: string,
  options: FindAffectedOptions = {},
): Promise<AffectedByChange> {
  const places = new Map(changes.map(({ id }) => [id, emptyPlaces()]));
  const program = readProgram(root);
  const index = indexChanges(changes, program);
  for (const file of program.files) {
    const name = program.nameOf(file);
    const room = roomOf(name);
    if (!room) continue;
    scanFile(file, index, program, (change, node) => {
      const isName = ts.isTypeReferenceNode(node);
      // A type's name says that its file is about it; in tests and the like that says little.
      if (isName && room !== "code") return;
      const line = file.getLineAndCharacterOfPosition(node.getStart(file)).line + 1;
      places.get(change.id)?.[room].add(isName ? name : `${name}:${line}`);
    });
  }
  const offersOf = options.offersOf ?? (await knownOffers(root));
  const tested = readCoverage(
    await readFile(path.join(root, "docs/coverage.md"), "utf8").catch(() => ""),
  );
  for (const change of changes) {
    const found = places.get(change.id);
    for (const method of methodsOf(change)) {
      for (const offer of offersOf(method)) found?.api.add(offer);
    }
    const test =
      change.kind === "method"
        ? tested.get(keyOf({ ...change, kind: change.messageKind }))
        : undefined;
    if (test !== undefined) found?.tests.add(test);
  }
  await addDocuments(changes, places, root);
  return new Map([...places].map(([id, found]) => [id, listPlaces(found)]));
}

type Room = "code" | "tests" | "examples" | "scripts";
type Places = Record<keyof Affected, Set<string>>;

function emptyPlaces(): Places {
  return {
    api: new Set(),
    code: new Set(),
    tests: new Set(),
    examples: new Set(),
    scripts: new Set(),
    docs: new Set(),
  };
}

/** A file of which a line is named need not be named itself. */
function listPlaces(found: Places): Affected {
  const list = (names: Set<string>): string[] => {
    const files = new Set([...names].flatMap((name) => /^(.+):\d+$/.exec(name)?.[1] ?? []));
    const place = (name: string): [string, number] => {
      const [file = "", line = "0"] = name.split(":");
      return [file, Number(line)];
    };
    return [...names]
      .filter((name) => !files.has(name))
      .sort((one, other) => {
        const [[a, m], [b, n]] = [place(one), place(other)];
        return a === b ? m - n : a < b ? -1 : 1;
      });
  };
  return {
    api: [...found.api],
    code: list(found.code),
    tests: list(found.tests),
    examples: list(found.examples),
    scripts: list(found.scripts),
    docs: list(found.docs),
  };
}

function roomOf(name: string): Room | undefined {
  if (name.startsWith("lib/")) return "code";
  if (name.startsWith("tests/")) return "tests";
  if (name.startsWith("examples/")) return "examples";
  return /^(scripts|benchmarks)\//.test(name) ? "scripts" : undefined;
}

/** The methods that a change is about, the nearest first. */
function methodsOf(change: ProtocolChange): Method[] {
  if (change.kind === "method") return [{ ...change, kind: change.messageKind }];
  const uses = new Map(
    change.uses.map(({ kind, method }) => [
      `${kind} ${method}`,
      { kind, method, experimental: false },
    ]),
  );
  return [...uses.values()];
}

/** Says of all methods alike where they are, and so nothing of one. */
const general = ["client.on()", "client.notify()", "client.handle()", "RequestHandlers.handlers"];

/** What the library offers for a method; of one that it does not know yet, the function that a request gets. */
async function knownOffers(root: string): Promise<(method: Method) => readonly string[]> {
  const { offersOf } = await import("../coverage/offers.js");
  const known = new Set((await readProtocol(root)).map(keyOf));
  return (method) => {
    if (method.kind !== "clientRequests" && !known.has(keyOf(method))) return [];
    return offersOf(method).filter((offer) => !general.includes(offer));
  };
}

/** Finds the documents that name a method; those that are made from the protocol are left out. */
async function addDocuments(
  changes: readonly ProtocolChange[],
  places: ReadonlyMap<string, Places>,
  root: string,
): Promise<void> {
  const methods = changes.filter((change) => change.kind === "method");
  const folder = path.join(root, "docs");
  const names = (await readdir(folder).catch(() => [])).filter(
    (name) => name.endsWith(".md") && name !== "coverage.md",
  );
  for (const name of [...names.map((each) => `docs/${each}`), "README.md"].sort()) {
    const text = await readFile(path.join(root, name), "utf8").catch(() => "");
    for (const [index, line] of text.split("\n").entries()) {
      for (const change of methods) {
        if (namesMethod(line, change.method))
          places.get(change.id)?.docs.add(`${name}:${index + 1}`);
      }
    }
  }
}

/** In quotes, or as a word that nothing else can be. */
function namesMethod(line: string, method: string): boolean {
  const quoted = ["`", '"'].some((quote) => line.includes(`${quote}${method}${quote}`));
  if (quoted || !method.includes("/")) return quoted;
  const around = line.split(method);
  return around.some(
    (before, index) =>
      index + 1 < around.length &&
      !/[\w/.-]$/.test(before) &&
      !/^[\w/-]/.test(around[index + 1] ?? ""),
  );
}
