import { isJsonObject as isObject } from "../schema/json-schema.js";

type Fields = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

export function isDecision(value: unknown): boolean {
  return ["accept", "acceptForSession", "decline", "cancel"].includes(value as string);
}

export function isCommandDecision(value: unknown): boolean {
  if (!isObject(value)) return isDecision(value);
  return isOneOf(value, {
    acceptWithExecpolicyAmendment: (amendment) => isTextList(amendment["execpolicy_amendment"]),
    applyNetworkPolicyAmendment: (amendment) => isHostRule(amendment["network_policy_amendment"]),
  });
}

/** The decisions of the two methods of the first protocol. */
export function isReviewDecision(value: unknown): boolean {
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

export function isContentItem(item: unknown): boolean {
  const content = { inputText: "text", inputImage: "imageUrl", inputAudio: "audioUrl" };
  return Object.entries(content).some(
    ([type, field]) => isObject(item) && item["type"] === type && isText(item[field]),
  );
}

/** A field that may be left out may also be null. */
export function optional(check: Check): Check {
  return (value) => value === undefined || value === null || check(value);
}

export function isText(value: unknown): value is string {
  return typeof value === "string";
}

export function isBoolean(value: unknown): boolean {
  return typeof value === "boolean";
}

export function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every(isText);
}

export function isJson(value: unknown): boolean {
  try {
    // Its type says string, but for undefined and functions it gives undefined.
    return typeof JSON.stringify(value) === "string";
  } catch {
    return false;
  }
}
