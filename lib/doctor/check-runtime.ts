import { BinaryNotFoundError } from "../index.js";
import type { Runtime } from "../runtime/find-runtime.js";
import { installCommand } from "../runtime/get-runtime.js";
import type { Finding } from "./finding.js";
import { saysAndCure } from "./says-and-cure.js";

const origins: Readonly<Record<Runtime["source"], string>> = {
  codexPath: "named by codexPath",
  CODEX_PATH: "named by CODEX_PATH",
  "vendor-bin": "bundled with this library",
  npm: "from the installed @openai/codex",
};

/** Where the runtime was found, or what to do when it was not. */
export async function checkRuntime(search: Promise<Runtime>): Promise<Finding> {
  const name = "runtime";
  try {
    const { command, source } = await search;
    return { name, status: "ok", says: `${command}, ${origins[source]}` };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (!(error instanceof BinaryNotFoundError)) {
      return { name, status: "failure", ...saysAndCure(error.message, `Run: ${installCommand()}`) };
    }
    const { tried, message } = error;
    // The first line says that there is none, then comes a line for each place, then what to do.
    const cure = message.split("\n").slice(1 + tried.length);
    const says = `No codex runtime was found (${tried.join("; ")}).`;
    return { name, status: "failure", says, cure: cure.join(" ") };
  }
}
