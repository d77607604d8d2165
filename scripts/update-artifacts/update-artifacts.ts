import path from "node:path";
import { runtimeTarget, runtimeTargets } from "../../lib/runtime/platform.js";
import { bundlePlatform } from "./bundle.js";
import type { RunCommand } from "./command.js";
import type { UpdateOptions } from "./options.js";
import { updatePin } from "./pin.js";
import { readRelease } from "./release.js";
import { writeIfChanged } from "./write-file.js";

/**
 * Moves the checkout to a release of the runtime. Running it again changes nothing, and an error
 * leaves every file either as it was or as it should be.
 */
export async function updateArtifacts(
  options: UpdateOptions,
  run: RunCommand,
  log: (line: string) => void,
): Promise<void> {
  const { root, vendorDir, dryRun } = options;
  const triples = triplesToBundle(options);
  const manifest = await readRelease(options, run, root);
  log(`${manifest.package} ${manifest.runtimeVersion}`);
  const report = (what: string, outcome: "changed" | "unchanged"): void => {
    const verb = dryRun ? "would be updated" : "updated";
    log(`  ${what}: ${outcome === "changed" ? verb : "up to date"}`);
  };

  // The binaries first: they take long and can fail, and the manifest should not promise them.
  for (const triple of triples) {
    report(`${triple}/`, await bundlePlatform(manifest, triple, options, run));
  }
  const text = `${JSON.stringify(manifest, null, 2)}\n`;
  report(
    "manifest.json",
    await writeIfChanged(path.join(vendorDir, "manifest.json"), text, dryRun),
  );
  if (vendorDir !== path.join(root, "vendor-bin")) return;
  const pin = await updatePin(root, manifest.runtimeVersion, dryRun);
  report("package.json", pin);
  if (pin === "changed" && !dryRun) log("Now run: npm install && npm run generate");
}

function triplesToBundle({ bundle }: UpdateOptions): string[] {
  if (bundle === "none") return [];
  if (bundle === "all") return runtimeTargets.map(({ triple }) => triple);
  const target = runtimeTarget(process.platform, process.arch);
  if (target === undefined) {
    throw new Error(`There is no runtime for ${process.platform}/${process.arch} to bundle.`);
  }
  return [target.triple];
}
