import path from "node:path";
import { installPinned } from "../../registry/install-pinned.js";
import { esbuildCommonJs, esbuildModule, esbuildModuleWithRequire } from "./esbuild.js";
import { rollup } from "./rollup.js";
import type { Way } from "./way.js";
import { webpack } from "./webpack.js";

/** What `npm run package:check` builds and compiles with, besides the packages of this project. */
export function installCheckTools(): Promise<string> {
  return installPinned(
    path.join(import.meta.dirname, "pinned/check"),
    path.resolve(import.meta.dirname, "../../../.cache/bundlers/check"),
  );
}

/** The ways that most applications are built, which are quick enough for each submission. */
export async function commonWays(): Promise<readonly Way[]> {
  const modules = await installCheckTools();
  return [
    esbuildCommonJs,
    esbuildModule,
    esbuildModuleWithRequire,
    webpack(modules),
    rollup(modules),
  ];
}
