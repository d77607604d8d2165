/**
 * `npm run test:bundlers`: builds an application that uses the packed package in every way that
 * docs/deploying.md speaks of, and runs the results. `-- next` takes those whose name has that word.
 * `npm run package:check` does the first four.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { startLoopbackModel } from "../../lib/testing/index.js";
import { loopbackHome } from "../../scripts/check-package/loopback-home.js";
import { installPacked } from "../../scripts/check-package/packed-project.js";
import { installPinned } from "../../scripts/registry/install-pinned.js";
import { bunWays } from "./bun.js";
import { checkWay, writeApplication } from "../../scripts/check-package/bundlers/check-way.js";
import { commonWays } from "../../scripts/check-package/bundlers/common-ways.js";
import { ncc } from "./ncc.js";
import { next } from "./next.js";
import { singleExecutable } from "./single-executable.js";
import { vite } from "./vite.js";

const pinned = (name: string): Promise<string> =>
  installPinned(
    path.join(import.meta.dirname, "pinned", name),
    path.resolve(import.meta.dirname, "../../.cache/bundlers", name),
  );

const wanted = process.argv.slice(2);
const application = await mkdtemp(path.join(tmpdir(), "bundlers-"));
const model = await startLoopbackModel();
try {
  const tools = await pinned("tools");
  const ways = [
    ...(await commonWays()),
    ncc(tools),
    vite(tools),
    ...bunWays(tools),
    singleExecutable(tools),
    next("Next.js 15", await pinned("next-15")),
    next("Next.js 16", await pinned("next-16")),
  ].filter(({ name }) => wanted.every((word) => name.toLowerCase().includes(word.toLowerCase())));
  if (ways.length === 0) throw new Error(`No way is called ${wanted.join(" ")}.`);
  await installPacked(application);
  await writeApplication(application);
  const env = await loopbackHome(model);
  for (const way of ways) await checkWay(way, application, env);
} finally {
  await model.close();
  await rm(application, { recursive: true, force: true });
}
