import type { GetAccountResponse } from "../../../generated/types.js";
import type { Host } from "../../session/host.js";
import type { ParamsOf } from "../../protocol.js";

/** Who is logged in, as `account/read` tells. */
export interface AccountStatus extends GetAccountResponse {
  /** Whether turns will fail until somebody logs in. */
  loginRequired: boolean;
}

export async function readAccount(
  host: Host,
  options: ParamsOf<"account/read"> = {},
): Promise<AccountStatus> {
  const status = await host.call("account/read", options);
  return { ...status, loginRequired: status.requiresOpenaiAuth && status.account === null };
}
