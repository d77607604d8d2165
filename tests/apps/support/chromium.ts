import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { promisify } from "node:util";
import { chromium, type Browser } from "playwright-core";
import { installPinned } from "../../../scripts/registry/install-pinned.js";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const manifests = path.resolve(import.meta.dirname, "../chromium");
const cache = path.resolve(import.meta.dirname, "../../../.cache/chromium");

/** Starts a Chromium: that of CHROMIUM_PATH, or of the distribution, or else of a package of npm. */
export async function startChromium(): Promise<Browser> {
  const found = process.env["CHROMIUM_PATH"] ?? places.find((file) => existsSync(file));
  const executablePath = found ?? (await chromiumOfNpm());
  // A sandbox needs a user other than root, which containers mostly have not.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}

/** Unpacks the one that `@sparticuz/chromium` carries, for Linux on x64. */
async function chromiumOfNpm(): Promise<string> {
  await installPinned(manifests, cache);
  const program = `import chromium from "@sparticuz/chromium"; console.log(await chromium.executablePath());`;
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--eval", program],
    { cwd: cache },
  );
  return stdout.trim();
}
