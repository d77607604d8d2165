import type { Finding } from "./finding.js";

/** One of several things that may be wrong in one check. */
export interface Problem {
  readonly status: "warning" | "failure";
  readonly says: string;
  readonly cure: string;
}

/** The finding of a check: all its problems, as bad as the worst of them, or that all is well. */
export function joinProblems(
  name: string,
  problems: readonly Problem[],
  wellSays: string,
): Finding {
  if (problems.length === 0) return { name, status: "ok", says: wellSays };
  const status = problems.some((problem) => problem.status === "failure") ? "failure" : "warning";
  const says = problems.map((problem) => problem.says).join(" ");
  const cure = [...new Set(problems.map((problem) => problem.cure))].join(" ");
  return { name, status, says, cure };
}
