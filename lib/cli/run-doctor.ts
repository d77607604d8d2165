import { diagnose } from "../doctor/diagnose.js";
import type { Finding } from "../doctor/finding.js";
import { isAppServerError, SDK_VERSION } from "../index.js";
import { parseDoctorArguments, type DoctorArguments } from "./parse-doctor-arguments.js";
import { findingRenderer, summaryOf, usesColours } from "./render-finding.js";
import { UsageError } from "./usage-error.js";
import { write } from "./write.js";

export { doctorHelp } from "./parse-doctor-arguments.js";

/** Runs the doctor. Resolves with the exit code: 1 when something would fail. */
export async function runDoctor(args: readonly string[], signal: AbortSignal): Promise<number> {
  const parsed = parseDoctorArguments(args, process.env);
  if (parsed.help !== undefined) {
    await write(process.stdout, parsed.help);
    return 0;
  }
  const findings = await examine(parsed, signal);
  const healthy = findings.every(({ status }) => status !== "failure");
  const report = { sdkVersion: SDK_VERSION, healthy, findings };
  const end = parsed.json ? JSON.stringify(report, undefined, 2) : summaryOf(findings);
  await write(process.stdout, `${end}\n`);
  return healthy ? 0 : 1;
}

/** Shows each finding as soon as it is there, unless they are to be one document. */
async function examine(
  { options, json }: DoctorArguments,
  signal: AbortSignal,
): Promise<readonly Finding[]> {
  const render = findingRenderer(usesColours(process.stdout, process.env));
  const findings: Finding[] = [];
  try {
    for await (const finding of diagnose({ ...options, signal })) {
      findings.push(finding);
      if (!json) await write(process.stdout, `${render(finding)}\n`);
    }
  } catch (error) {
    if (isAppServerError(error) && error.code === "INVALID_ARGUMENT") {
      throw new UsageError(error.message);
    }
    throw error;
  }
  return findings;
}
