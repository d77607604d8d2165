import { expect, test } from "@jest/globals";
import { build } from "esbuild";
import { gzipSync } from "node:zlib";

/** What a page gets of the entry, with all that it exports. */
async function bundled() {
  const { outputFiles, metafile } = await build({
    entryPoints: ["lib/browser/index.ts"],
    bundle: true,
    minify: true,
    write: false,
    metafile: true,
    format: "esm",
    // Whatever Node alone has would fail here.
    platform: "browser",
    target: "es2022",
  });
  return { text: outputFiles[0]?.text ?? "", files: Object.keys(metafile.inputs) };
}

test("a page loads less than 3 kB, compressed", async () => {
  const { text } = await bundled();
  expect(text).toContain("TurnView");
  const bytes = gzipSync(text, { level: 9 }).length;
  expect(bytes).toBeGreaterThan(1_000);
  expect(bytes).toBeLessThan(3_000);
});

test("nothing of Node is in it, and no more of the library than it needs", async () => {
  const { text, files } = await bundled();
  expect(text).not.toMatch(/\b(require|process|Buffer|setImmediate)\b/);
  const rooms = new Set(files.map((file) => file.split("/").slice(0, 2).join("/")));
  expect([...rooms].sort()).toEqual(["lib/browser", "lib/parts"]);
});
