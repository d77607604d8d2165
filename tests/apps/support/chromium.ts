import { existsSync } from "node:fs";
import { chromium, type Browser } from "playwright-core";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** Starts the machine's Chromium: that of CHROMIUM_PATH, or of the distribution. */
export async function startChromium(): Promise<Browser> {
  const executablePath = process.env["CHROMIUM_PATH"] ?? places.find((file) => existsSync(file));
  if (executablePath === undefined) {
    throw new Error(
      "No Chromium was found. Install it (apt-get install chromium), or set CHROMIUM_PATH.",
    );
  }
  // A sandbox needs a user other than root, which containers mostly have not.
  return chromium.launch({ executablePath, args: ["--no-sandbox", "--disable-dev-shm-usage"] });
}
