/**
 * Stands for npm: `view` and `pack`, from the folder `registry` beside it. A file `hang` there makes pack
 * wait until it is gone, or until the process that wanted the package is. A file `offline` makes all
 * of it fail as it does without a network.
 */
import { appendFileSync, copyFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";

const registry = path.join(import.meta.dirname, "registry");
const [verb, spec, ...rest] = process.argv.slice(2).filter((each) => each !== "--loglevel=error");
const parent = process.ppid;
appendFileSync(path.join(registry, "calls"), `${verb} ${spec}\n`);

if (existsSync(path.join(registry, "offline"))) fail("npm error code EAI_AGAIN");
const version = spec.replace("@openai/codex@", "");
if (verb === "view") {
  const fields = JSON.parse(readFileSync(path.join(registry, "packages.json"), "utf8"))[version];
  if (!fields) fail("npm error code E404");
  const value = fields[rest[0]];
  if (value !== undefined) console.log(JSON.stringify(value));
} else {
  const into = rest[rest.indexOf("--pack-destination") + 1];
  writeFileSync(path.join(into, "half.part"), "half of it");
  while (existsSync(path.join(registry, "hang"))) {
    if (process.ppid !== parent) process.exit(1);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  copyFileSync(path.join(registry, `${version}.tgz`), path.join(into, "packed.tgz"));
}

function fail(text) {
  console.error(text);
  process.exit(1);
}
