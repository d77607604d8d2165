import type {
  AskForApproval,
  NetworkAccess,
  SandboxMode,
  SandboxPolicy,
} from "../../generated/types.js";
import { checkKeys, type KeysOf } from "./check-options.js";
import { check, checkObject, flag, type RulesOf } from "./check-values.js";
import { InvalidArgumentError } from "./invalid-argument-error.js";

// The settings that decide what commands may do. TypeScript refuses a list that lacks a value of the
// protocol. What only a newer server knows can be sent with `request()` and `rpc`.

const sandboxModes: Readonly<Record<SandboxMode, true>> = {
  "read-only": true,
  "workspace-write": true,
  "danger-full-access": true,
};

const approvalPolicies: Readonly<Record<Extract<AskForApproval, string>, true>> = {
  untrusted: true,
  "on-request": true,
  never: true,
};

type PolicyKeys = {
  readonly [Type in SandboxPolicy["type"]]: KeysOf<Extract<SandboxPolicy, { type: Type }>>;
};

const policyKeys: PolicyKeys = {
  dangerFullAccess: { type: true },
  readOnly: { type: true, networkAccess: true },
  externalSandbox: { type: true, networkAccess: true },
  workspaceWrite: {
    type: true,
    writableRoots: true,
    networkAccess: true,
    excludeTmpdirEnvVar: true,
    excludeSlashTmp: true,
  },
};

const networkAccesses: Readonly<Record<NetworkAccess, true>> = { restricted: true, enabled: true };

type Granular = Extract<AskForApproval, { granular: unknown }>;

const granularKeys: KeysOf<Granular> = { granular: true };
const granularRules: RulesOf<Granular["granular"]> = {
  sandbox_approval: flag,
  rules: flag,
  skill_approval: flag,
  request_permissions: flag,
  mcp_elicitations: flag,
};

/** @throws InvalidArgumentError for what is neither the name of a mode, nor null or undefined. */
export function checkSandboxMode(argument: string, value: unknown): void {
  if (isUnset(value) || isOneOf(sandboxModes, value)) return;
  const advice = typeof value === "object" ? "; only turns and commands take a policy" : "";
  throw new InvalidArgumentError(argument, `must be ${choices(sandboxModes)}${advice}`);
}

/**
 * Checks a sandbox that may be a mode's name or a whole policy.
 *
 * @throws InvalidArgumentError, which names the part that is wrong.
 */
export function checkSandbox(argument: string, value: unknown): void {
  if (isUnset(value) || isOneOf(sandboxModes, value)) return;
  if (typeof value !== "object") {
    throw new InvalidArgumentError(
      argument,
      `must be ${choices(sandboxModes, "a sandbox policy")}`,
    );
  }
  const { type } = value as { readonly type?: unknown };
  if (!isOneOf(policyKeys, type)) {
    throw new InvalidArgumentError(`${argument}.type`, `must be ${choices(policyKeys)}`);
  }
  checkKeys(argument, value, policyKeys[type]);
  checkPolicyFields(argument, type, value);
}

/** Checks fields that the server would refuse without naming them. */
function checkPolicyFields(argument: string, type: SandboxPolicy["type"], policy: object): void {
  for (const [name, given] of Object.entries(policy) as [string, unknown][]) {
    if (name === "type" || given === undefined) continue;
    const field = `${argument}.${name}`;
    if (name === "writableRoots") {
      const areTexts = Array.isArray(given) && given.every((root) => typeof root === "string");
      if (!areTexts) throw new InvalidArgumentError(field, "must be an array of paths");
    } else if (type === "externalSandbox") {
      if (!isOneOf(networkAccesses, given)) {
        throw new InvalidArgumentError(field, `must be ${choices(networkAccesses)}`);
      }
    } else check(field, given, flag);
  }
}

/** @throws InvalidArgumentError for what is no approval policy; null and undefined pass. */
export function checkApprovalPolicy(argument: string, value: unknown): void {
  if (isUnset(value) || isOneOf(approvalPolicies, value)) return;
  if (typeof value !== "object") {
    throw new InvalidArgumentError(
      argument,
      `must be ${choices(approvalPolicies, "{ granular }")}`,
    );
  }
  checkKeys(argument, value, granularKeys);
  const { granular } = value as Granular;
  checkObject(`${argument}.granular`, granular, granularRules);
}

/**
 * Checks the same settings under their names in the configuration.
 *
 * @throws InvalidArgumentError
 */
export function checkConfiguredSafety(config: unknown): void {
  if (typeof config !== "object" || config === null) return;
  for (const [name, check] of Object.entries(configured)) {
    check(`config.${name}`, (config as Readonly<Record<string, unknown>>)[name]);
  }
}

/**
 * Checks a raw `key=value`, whose value is a word, in quotes or not.
 *
 * @throws InvalidArgumentError
 */
export function checkOverrideSafety(argument: string, override: string): void {
  const [, key = "", , value] = /^\s*(\w+)\s*=\s*(["']?)([^"'{}]*?)\2\s*$/.exec(override) ?? [];
  if (isOneOf(configured, key)) configured[key](argument, value);
}

const configured = {
  sandbox_mode: checkSandboxMode,
  approval_policy: (argument: string, value: unknown): void => {
    // The name of old configurations, which the server still reads there as "on-request".
    if (value !== "on-failure") checkApprovalPolicy(argument, value);
  },
};

function isUnset(value: unknown): value is null | undefined {
  return value === null || value === undefined;
}

function isOneOf<Name extends string>(
  names: Readonly<Record<Name, unknown>>,
  value: unknown,
): value is Name {
  return typeof value === "string" && Object.hasOwn(names, value);
}

/** The names, and what else there is, as the rest of a sentence: `"a", "b" or "c"`. */
function choices(names: Readonly<Record<string, unknown>>, ...more: readonly string[]): string {
  const all = [...Object.keys(names).map((name) => JSON.stringify(name)), ...more];
  return `${all.slice(0, -1).join(", ")} or ${all.at(-1) ?? ""}`;
}
