import type { ApprovalsReviewer, AskForApproval } from "../../generated/types.js";

/** The policies that have a name, each asking about less than the one before it. */
const policies = ["untrusted", "on-request", "never"];
/** A model that reviews asks no person. */
const reviewers = ["user", "auto_review"];

/** A policy and a reviewer as the server told them, without what this library does not know. */
export function readApprovals(told: {
  readonly approvalPolicy?: unknown;
  readonly approvalsReviewer?: unknown;
}): { approvalPolicy?: AskForApproval; approvalsReviewer?: ApprovalsReviewer } {
  const { approvalPolicy: policy, approvalsReviewer: reviewer } = told;
  return {
    ...(policyRank(policy) !== undefined && { approvalPolicy: policy as AskForApproval }),
    ...(reviewerRank(reviewer) !== undefined && {
      approvalsReviewer: reviewer as ApprovalsReviewer,
    }),
  };
}

/**
 * How little is asked about under a policy; undefined for an unknown one. A granular policy is one on
 * request: what it does not ask about, it refuses.
 */
export function policyRank(value: unknown): number | undefined {
  if (typeof value === "object" && value !== null && "granular" in value) return 1;
  return rankIn(policies, value);
}

/** Whether a model answers in place of the client; undefined for an unknown reviewer. */
export function reviewerRank(value: unknown): number | undefined {
  // The server takes the old name, and tells the new one.
  return rankIn(reviewers, value === "guardian_subagent" ? "auto_review" : value);
}

function rankIn(ladder: readonly string[], value: unknown): number | undefined {
  const rank = ladder.indexOf(value as string);
  return rank < 0 ? undefined : rank;
}
