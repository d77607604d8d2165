import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { transform, version } from "esbuild";

/** The oldest Node.js that the tests run on has no `using` yet. */
const options = { loader: "ts", format: "esm", target: "node20.19", sourcemap: "external" };

/** What the result depends on besides the source. */
const salt = [version, readFileSync(new URL(import.meta.url))];

/**
 * Makes JavaScript of TypeScript for jest, one file at a time. Types are not looked at: that is what
 * `npm run typecheck` does.
 */
export default {
  async processAsync(source, sourcefile) {
    const { code, map } = await transform(source, {
      ...options,
      sourcefile,
      sourcesContent: false,
    });
    return { code, map };
  },
  getCacheKey(source, sourcefile) {
    const hash = createHash("sha256");
    for (const part of [...salt, sourcefile, source]) hash.update(part).update("\0");
    return hash.digest("hex");
  },
};
