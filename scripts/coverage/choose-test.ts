import type { Method } from "./protocol.js";
import type { TestFile } from "./recordings.js";

/** A test that goes through all methods; it stands for a method that no other test is about. */
const catchAll = "tests/real/rpc-methods.long.test.ts";

/** The folders in the order of what a test there proves. */
const folders = ["tests/real/", "tests/contract/", "tests/unit/"];

/** Whether a test file drives the real app-server. */
export function isReal(file: string | undefined): boolean {
  return file?.startsWith("tests/real/") ?? false;
}

export function touches(file: TestFile, { kind, method }: Method): boolean {
  return file.touched[kind].includes(method);
}

/**
 * The test file that stands for a method: the one of before as long as no better folder has one; else
 * a file that names the method, or calls what the library offers for it; else the one that touches
 * least.
 */
export function chooseTest(
  method: Method,
  files: readonly TestFile[],
  offers: readonly string[],
  before: string | undefined,
): string | undefined {
  const touching = files.filter((file) => touches(file, method));
  const best = Math.min(...touching.map(folderOf));
  const candidates = touching.filter((file) => folderOf(file) === best);
  const calls = method.kind === "clientRequests" ? offers.map(lastMember) : [];
  const rank = ({ file, text, touched }: TestFile): readonly number[] => [
    file === catchAll ? 1 : 0,
    text.includes(`"${method.method}"`) ? 0 : 1,
    calls.some((call) => text.includes(call)) ? 0 : 1,
    Object.values(touched).flat().length,
  ];
  const [first] = candidates.sort((one, other) => compare(rank(one), rank(other)));
  const kept = candidates.some(({ file }) => file === before);
  const keep = kept && (before !== catchAll || first?.file === catchAll);
  return keep ? before : first?.file;
}

function folderOf({ file }: TestFile): number {
  const index = folders.findIndex((folder) => file.startsWith(folder));
  return index === -1 ? folders.length : index;
}

/** `.setName(` of `thread.setName()`, as a test would write it. */
function lastMember(offer: string): string {
  return offer.replace(/^.*(?=\.)/, "").replace(/\(\)$/, "(");
}

function compare(one: readonly number[], other: readonly number[]): number {
  const index = one.findIndex((value, at) => value !== other[at]);
  return index === -1 ? 0 : (one[index] ?? 0) - (other[index] ?? 0);
}
