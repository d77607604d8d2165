import type {
  AskForApproval,
  NetworkAccess,
  SandboxMode,
  SandboxPolicy,
} from "../../generated/types.js";
import { checkKeys, type KeysOf } from "./check-options.js";
import { anyOf, check, checkObject, flag, oneOf, strings, type RulesOf } from "./check-values.js";
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

const networkAccesses: Readonly<Record<NetworkAccess, true>> = { restricted: true, enabled: true };

const sandboxMode = anyOf(Object.keys(sandboxModes));
const sandbox = anyOf(Object.keys(sandboxModes), "a sandbox policy");
const approvalPolicy = anyOf(Object.keys(approvalPolicies), "{ granular }");
const networkAccess = anyOf(Object.keys(networkAccesses));

type PolicyRules = {
  readonly [Type in SandboxPolicy["type"]]: RulesOf<Extract<SandboxPolicy, { type: Type }>>;
};

const policyRules: PolicyRules = {
  dangerFullAccess: { type: oneOf("dangerFullAccess") },
  readOnly: { type: oneOf("readOnly"), networkAccess: flag },
  externalSandbox: { type: oneOf("externalSandbox"), networkAccess },
  workspaceWrite: {
    type: oneOf("workspaceWrite"),
    writableRoots: { ...strings, problem: "must be an array of paths" },
    networkAccess: flag,
    excludeTmpdirEnvVar: flag,
    excludeSlashTmp: flag,
  },
};

const policyType = anyOf(Object.keys(policyRules));

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
  if (isUnset(value) || sandboxMode.fits(value)) return;
  const advice = typeof value === "object" ? "; only turns and commands take a policy" : "";
  throw new InvalidArgumentError(argument, `${sandboxMode.problem}${advice}`);
}

/** Checks a sandbox that may be a mode's name or a whole policy. */
export function checkSandbox(argument: string, value: unknown): void {
  if (isUnset(value) || sandbox.fits(value)) return;
  if (typeof value !== "object") throw new InvalidArgumentError(argument, sandbox.problem);
  const { type } = value as SandboxPolicy;
  check(`${argument}.type`, type, policyType);
  checkObject(argument, value, policyRules[type]);
}

/** @throws InvalidArgumentError for what is no approval policy; null and undefined pass. */
export function checkApprovalPolicy(argument: string, value: unknown): void {
  if (isUnset(value) || approvalPolicy.fits(value)) return;
  if (typeof value !== "object") throw new InvalidArgumentError(argument, approvalPolicy.problem);
  checkKeys(argument, value, granularKeys);
  checkObject(`${argument}.granular`, (value as Granular).granular, granularRules);
}

/** Checks the same settings under their names in the configuration. */
export function checkConfiguredSafety(config: unknown): void {
  if (typeof config !== "object" || config === null) return;
  for (const [name, checkSetting] of Object.entries(configured)) {
    checkSetting(`config.${name}`, (config as Readonly<Record<string, unknown>>)[name]);
  }
}

/** Checks a raw `key=value`, whose value is a word, in quotes or not. */
export function checkOverrideSafety(argument: string, override: string): void {
  const [, key = "", , value] = /^\s*(\w+)\s*=\s*(["']?)([^"'{}]*?)\2\s*$/.exec(override) ?? [];
  if (Object.hasOwn(configured, key)) configured[key as keyof typeof configured](argument, value);
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
