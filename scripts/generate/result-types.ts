import type { Notes } from "./notes.js";
import { namedParams } from "./params.js";
import type { TypeShape, TypeTable } from "./type-shape.js";

/** Methods whose result type is named after neither their params type nor the method. */
export const resultOverrides: Readonly<Record<string, string>> = {
  "account/gatewayOAuth/cancel": "GatewayOAuthCancelResponse",
  "account/logout": "LogoutAccountResponse",
  "account/securitySetup/read": "GetAccountSecuritySetupResponse",
  "account/workspaceMessages/read": "GetWorkspaceMessagesResponse",
  "accountSession/list": "AccountSessionsResponse",
  "config/batchWrite": "ConfigWriteResponse",
  "config/mcpServer/reload": "McpServerRefreshResponse",
  "config/value/write": "ConfigWriteResponse",
  "externalAgentConfig/import/readHistories": "ExternalAgentConfigImportHistoriesReadResponse",
  // Upstream names none; it is what 0.171.0 answers.
  "modelProvider/default/set": "ConfigWriteResponse",
  // These two have the params and the results of the methods beside them.
  "thread/search/stream": "ThreadSearchResponse",
  "thread/search/stream/cancel": "ThreadSearchCancelResponse",
};

/**
 * The type that answers a request: `XResponse` for params of type `XParams`, else the method's own name in
 * type spelling, else the override. Undefined, with a note, when there is no such type.
 */
export function resultTypeOf(
  request: { method: string; params: TypeShape },
  types: TypeTable,
  notes: Notes,
): string | undefined {
  const { method, params } = request;
  const { type } = namedParams(params);
  const byMethod = `${typeCase(method)}Response`;
  const byParams = type?.replace(/(Params)?$/, "Response") ?? byMethod;
  const byRule = types.has(byParams) ? byParams : byMethod;
  const override = Object.hasOwn(resultOverrides, method) ? resultOverrides[method] : undefined;
  if (types.has(byRule)) {
    if (override !== undefined && override !== byRule)
      notes.add(
        method,
        `returns ${byRule}`,
        `it is there now; the override ${override} is not used`,
      );
    return byRule;
  }
  if (override !== undefined && types.has(override)) return override;
  const names = new Set([override, byParams, byMethod].filter((name) => name !== undefined));
  notes.add(method, "its result is unknown", `the export has no ${[...names].join(" or ")}`);
  return undefined;
}

/** An override whose method is gone does nothing; it can be taken out. */
export function noteStaleOverrides(requests: readonly { method: string }[], notes: Notes): void {
  const methods = new Set(requests.map(({ method }) => method));
  for (const method of Object.keys(resultOverrides)) {
    if (!methods.has(method))
      notes.add(method, "its result override is not used", "the export has no such method");
  }
}

/** `thread/name/set` as the name of a type: `ThreadNameSet`. */
export function typeCase(method: string): string {
  return method
    .split(/[^A-Za-z0-9]+/)
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("");
}

/** Of two methods with params of one type, the second one's result is a guess. */
export function noteSharedResults(
  requests: readonly { method: string; result: string | undefined }[],
  notes: Notes,
): void {
  for (const { method, result } of requests) {
    if (result === undefined || Object.hasOwn(resultOverrides, method)) continue;
    const other = requests.find((each) => each.result === result);
    if (other && other.method !== method)
      notes.add(method, `returns ${result}`, `its params are those of ${other.method}`);
  }
}
