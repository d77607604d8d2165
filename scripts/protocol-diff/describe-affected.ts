import type { Affected } from "./find-affected.js";
import { code, listText } from "./wrap-text.js";

/** What several changes have to do with, once; undefined when nobody has looked. */
export function mergeAffected(all: readonly (Affected | undefined)[]): Affected | undefined {
  const known = all.filter((each) => each !== undefined);
  if (known.length === 0) return undefined;
  const merge = (key: keyof Affected): string[] => [...new Set(known.flatMap((each) => each[key]))];
  return {
    api: merge("api"),
    code: merge("code"),
    tests: merge("tests"),
    examples: merge("examples"),
    scripts: merge("scripts"),
    docs: merge("docs"),
  };
}

/** A sentence: `"Affects `thread.read()`; lib/thread.ts:12."`, or `"Affects nothing of ours."` */
export function describeAffected(affected: Affected): string {
  const parts = [
    listText(
      affected.api.map((offer) => code(offer)),
      3,
    ),
    listText(affected.code, 3),
    listText(affected.tests, 2),
    listText(affected.examples, 2),
    listText(affected.scripts, 2),
    listText(affected.docs, 2),
  ].filter((part) => part !== "");
  return parts.length === 0 ? "Affects nothing of ours." : `Affects ${parts.join("; ")}.`;
}
