import { refsIn } from "./type-shape.js";
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
};

/**
 * The type that answers a request: the override when there is one, else `XResponse` for params of
 * type `XParams`, else the method's own name in type spelling. Throws, naming the method, when the
 * type does not exist, and when an override says what the rule says anyway.
 */
export function resultTypeOf(
  request: { method: string; params: TypeShape },
  types: TypeTable,
): string {
  const { method, params } = request;
  const [paramsType] = refsIn(params);
  const byRule = paramsType
    ? paramsType.replace(/Params$/, "Response")
    : `${typeCase(method)}Response`;
  const override = resultOverrides[method];
  if (override && types.has(byRule)) {
    throw new Error(`${method}: the result override ${override} hides ${byRule}`);
  }
  const result = override ?? byRule;
  if (!types.has(result)) {
    throw new Error(`The method ${method} has no result type: there is no ${result}`);
  }
  return result;
}

function typeCase(method: string): string {
  return method
    .split("/")
    .map((part) => part.charAt(0).toUpperCase() + part.slice(1))
    .join("");
}
