import type { ServerRequests } from "../../generated/methods.js";

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

/**
 * Whether a value is a result that the server takes for this method. It tells the model of a failure
 * when it is not, and for some methods ends the turn; we refuse instead.
 */
export function isResultOf(method: string, result: unknown): boolean {
  const known = Object.hasOwn(checks, method);
  const check = known ? checks[method as keyof ServerRequests] : undefined;
  // Only the handler knows the result of a newer server's method.
  if (!check) return isJson(result);
  return isObject(result) && check(result);
}

const checks: { readonly [M in keyof ServerRequests]?: (result: Fields) => boolean } = {
  "item/commandExecution/requestApproval": ({ decision }) => isCommandDecision(decision),
  "item/fileChange/requestApproval": ({ decision }) => isDecision(decision),
  "item/permissions/requestApproval": ({ permissions, scope, strictAutoReview, ...others }) =>
    // A restriction that is misspelt would be left out.
    Object.keys(others).length === 0 &&
    isGrant(permissions) &&
    (scope === undefined || scope === "turn" || scope === "session") &&
    optional(isBoolean)(strictAutoReview),
  "item/tool/requestUserInput": ({ answers }) =>
    isObject(answers) &&
    Object.values(answers).every((each) => isObject(each) && isTextList(each["answers"])),
  "item/tool/call": ({ contentItems, success }) =>
    isBoolean(success) && Array.isArray(contentItems) && contentItems.every(isContentItem),
  "mcpServer/elicitation/request": ({ action, content, _meta: meta }) =>
    ["accept", "decline", "cancel"].includes(action as string) &&
    optional(isJson)(content) &&
    optional(isJson)(meta),
  "account/chatgptAuthTokens/refresh": (tokens) =>
    isText(tokens["accessToken"]) &&
    isText(tokens["chatgptAccountId"]) &&
    optional(isText)(tokens["chatgptPlanType"]),
  "attestation/generate": ({ token }) => isText(token),
  "currentTime/read": ({ currentTimeAt }) => Number.isSafeInteger(currentTimeAt),
  applyPatchApproval: ({ decision }) => isReviewDecision(decision),
  execCommandApproval: ({ decision }) => isReviewDecision(decision),
};

function isDecision(value: unknown): boolean {
  return ["accept", "acceptForSession", "decline", "cancel"].includes(value as string);
}

function isCommandDecision(value: unknown): boolean {
  if (!isObject(value)) return isDecision(value);
  return isOneOf(value, {
    acceptWithExecpolicyAmendment: (amendment) => isTextList(amendment["execpolicy_amendment"]),
    applyNetworkPolicyAmendment: (amendment) => isHostRule(amendment["network_policy_amendment"]),
  });
}

/** The decisions of the two methods of the first protocol. */
function isReviewDecision(value: unknown): boolean {
  if (!isObject(value)) {
    return [
      "approved",
      "approved_for_session",
      "approved_mcp_policy_amendment",
      "timed_out",
      "abort",
    ].includes(value as string);
  }
  return isOneOf(value, {
    approved_execpolicy_amendment: (amendment) =>
      isTextList(amendment["proposed_execpolicy_amendment"]),
    network_policy_amendment: (amendment) => isHostRule(amendment["network_policy_amendment"]),
    denied: ({ rejection }) => isText(rejection),
  });
}

/** An object with exactly one key, which says of which kind its value is. */
function isOneOf(value: Fields, kinds: Readonly<Record<string, (inner: Fields) => boolean>>) {
  const [[key, inner] = ["", undefined], ...others] = Object.entries(value);
  if (others.length > 0 || !Object.hasOwn(kinds, key) || !isObject(inner)) return false;
  return kinds[key]?.(inner) === true;
}

function isHostRule(value: unknown): boolean {
  return (
    isObject(value) &&
    isText(value["host"]) &&
    (value["action"] === "allow" || value["action"] === "deny")
  );
}

export function isGrant(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { network, fileSystem } = value;
  return (
    optional((each) => isObject(each) && optional(isBoolean)(each["enabled"]))(network) &&
    optional(isFileSystemGrant)(fileSystem)
  );
}

function isFileSystemGrant(value: unknown): boolean {
  if (!isObject(value)) return false;
  const { read, write, entries, globScanMaxDepth: depth } = value;
  return (
    optional(isTextList)(read) &&
    optional(isTextList)(write) &&
    optional(Number.isSafeInteger)(depth) &&
    optional((each) => Array.isArray(each) && each.every(isObject))(entries)
  );
}

function isContentItem(item: unknown): boolean {
  if (!isObject(item)) return false;
  switch (item["type"]) {
    case "inputText":
      return isText(item["text"]);
    case "inputImage":
      return isText(item["imageUrl"]);
    case "inputAudio":
      return isText(item["audioUrl"]);
    default:
      return false;
  }
}

/** A field that may be left out may also be null. */
function optional(check: Check): Check {
  return (value) => value === undefined || value === null || check(value);
}

export function isObject(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isBoolean(value: unknown): boolean {
  return typeof value === "boolean";
}

export function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

function isJson(value: unknown): boolean {
  try {
    // Its type says string, but for undefined and functions it gives undefined.
    return typeof JSON.stringify(value) === "string";
  } catch {
    return false;
  }
}
