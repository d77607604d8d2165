import type { Codex, SandboxCheck } from "../index.js";
import type { Finding } from "./finding.js";
import type { Settings } from "./read-settings.js";
import { saysAndCure } from "./says-and-cure.js";

const name = "sandbox";
const none = "danger-full-access";

/** Whether commands run in the sandbox of the configuration: `true` really does. */
export async function checkSandbox(
  codex: Codex,
  settings: Settings,
  timeoutMs: number,
): Promise<Finding> {
  if (settings.sandbox !== none) {
    const check = await codex.sandbox.check({ timeoutMs });
    const which = settings.sandbox ?? "the server's default";
    return check.works
      ? { name, status: "ok", says: `commands run in it (${which})` }
      : { name, status: "failure", ...explain(check) };
  }
  // Threads may ask for another one.
  const check = await codex.sandbox.check({ sandbox: "workspace-write", timeoutMs });
  const other = check.works ? "would work" : "would not work";
  return {
    name,
    status: "warning",
    says: `There is none (${none}): commands have all rights of the server. "workspace-write" ${other} here.`,
    cure: "Take sandbox_mode out of the configuration, unless the machine is the sandbox, as a container may be.",
  };
}

function explain(check: SandboxCheck & { works: false }): { says: string; cure: string } {
  const otherwise = "Read “In containers” in docs/runtime.md of this library.";
  const { says, cure } = saysAndCure(check.message, otherwise);
  const [said = ""] = check.reason === "unknown" ? check.stderr.trim().split("\n", 1) : [];
  return { says: said === "" ? says : `${says} It says: ${said}`, cure };
}
