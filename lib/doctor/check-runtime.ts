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

const install = `Run on this machine: ${installCommand()}`;
/** Advice that is none for the command line. */
const regardless = "To start it regardless, use the launch option instead.";

/** Where the runtime was found, or what to do when it was not. */
export async function checkRuntime(search: Promise<Runtime>): Promise<Finding> {
  const name = "runtime";
  try {
    const { command, source } = await search;
    return { name, status: "ok", says: `${command}, ${origins[source]}` };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    if (!(error instanceof BinaryNotFoundError)) {
      const { says, cure } = saysAndCure(error.message, install);
      return { name, status: "failure", says, cure: cure === regardless ? install : cure };
    }
    const { tried, message } = error;
    // The first line says that there is none, then comes a line for each place, then what to do.
    const cure = message.split("\n").slice(1 + tried.length);
    const says = `No codex runtime was found (${tried.join("; ")}).`;
    return { name, status: "failure", says, cure: cure.join(" ") };
  }
}
