import type { GetAccountResponse } from "../../../generated/types.js";
import type { Session } from "../../session/session.js";
import type { ParamsOf } from "../../protocol.js";

/** The account that is logged in, as `account/read` tells. */
export interface AccountStatus extends GetAccountResponse {
  /** Whether turns will fail until somebody logs in. */
  loginRequired: boolean;
}

export async function readAccount(
  session: Session,
  options: ParamsOf<"account/read"> = {},
): Promise<AccountStatus> {
  const status = await session.call("account/read", options);
  return { ...status, loginRequired: status.requiresOpenaiAuth && status.account === null };
}
