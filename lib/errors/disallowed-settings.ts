import { sentenceParts } from "./server-sentences.js";

/** A setting that the server has replaced, and what it was before, in the words of the protocol. */
export type ReplacedSetting =
  | { readonly setting: "approvalPolicy"; readonly was: "untrusted" | "on-request" | "never" }
  | { readonly setting: "approvalsReviewer"; readonly was: "user" | "auto_review" };

/** In its warnings, the server calls the settings and their values by names of its own. */
const replacedSettings: ReadonlyMap<string, ReplacedSetting> = new Map([
  ["approval_policy UnlessTrusted", { setting: "approvalPolicy", was: "untrusted" }],
  ["approval_policy OnRequest", { setting: "approvalPolicy", was: "on-request" }],
  // Some of what it does not allow it asks about.
  ["approval_policy Granular", { setting: "approvalPolicy", was: "on-request" }],
  ["approval_policy Never", { setting: "approvalPolicy", was: "never" }],
  ["approvals_reviewer User", { setting: "approvalsReviewer", was: "user" }],
  ["approvals_reviewer AutoReview", { setting: "approvalsReviewer", was: "auto_review" }],
]);

/**
 * Reads the warning that the server gives when it opens a stored thread with another setting than the
 * stored one; undefined for every other warning.
 */
export function readReplacedSetting(warning: unknown): ReplacedSetting | undefined {
  if (typeof warning !== "string") return undefined;
  const [key, value] = sentenceParts(warning, "settingReplaced") ?? [];
  return replacedSettings.get(`${key} ${value}`);
}
