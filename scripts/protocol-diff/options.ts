import path from "node:path";
import { parseArgs } from "node:util";
import { isExactVersion } from "../registry/exact-version.js";

export const usage = `Usage: npm run protocol:diff -- <release> <release> [--json]

Says what is different in the protocol of the second of two releases of codex app-server, and what of this
library each change has to do with.

  <release>   an exact version, such as 0.171.0, which is fetched into .cache/runtimes/ when it is not there;
              installed, the one in node_modules; or the path of a codex binary
  --json      print all of it as JSON
  --help      show this text
`;

/** Where a release is to be had. */
export type Release =
  { readonly version: string } | { readonly installed: true } | { readonly binary: string };

export interface DiffOptions {
  readonly before: Release;
  readonly after: Release;
  readonly json: boolean;
}

/** Reads the command line. `cwd`: where the paths in it start. Throws on anything that is not known. */
export function parseOptions(args: readonly string[], cwd: string): DiffOptions | "help" {
  const { values, positionals } = parseArgs({
    args: [...args],
    strict: true,
    allowPositionals: true,
    options: {
      json: { type: "boolean", default: false },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help) return "help";
  const [before, after, ...more] = positionals;
  if (before === undefined || after === undefined || more.length > 0) {
    throw new Error(`Name two releases, not ${positionals.length}.\n\n${usage}`);
  }
  if (before === after) throw new Error(`Both releases are ${before}. Name two different ones.`);
  return { before: readRelease(before, cwd), after: readRelease(after, cwd), json: values.json };
}

function readRelease(text: string, cwd: string): Release {
  if (text === "installed") return { installed: true };
  if (isExactVersion(text)) return { version: text };
  if (/[\\/]/.test(text)) return { binary: path.resolve(cwd, text) };
  throw new Error(
    `"${text}" is no release: give an exact version, such as 0.171.0, or installed, or the path of a binary, such as ./codex.`,
  );
}
