import type { ServerRequests } from "../../generated/methods.js";
import type { Answer } from "../jsonrpc/connection.js";
import type { RequestMessage } from "../jsonrpc/message.js";

type Refusal<M extends keyof ServerRequests> = () =>
  | { readonly result: ServerRequests[M]["result"] }
  | { readonly error: { readonly code: number; readonly message: string } };

const notAvailable = -32_601;

/** The no of the two methods of the first protocol. */
export const denial = {
  decision: { denied: { rejection: "This client does not decide approvals." } },
};

/**
 * The answer when no handler gives one: always at once, always in the request's own shape, and always a
 * no. An unanswered request would hold up its turn for ever; a malformed answer is told to the model as a
 * failure instead of a decision. A method that a newer server has and that is not here has no shape that
 * is known, and is refused as one that this client does not have.
 */
const refusals: { readonly [M in keyof ServerRequests]?: Refusal<M> } = {
  "item/commandExecution/requestApproval": () => ({ result: { decision: "decline" } }),
  "item/fileChange/requestApproval": () => ({ result: { decision: "decline" } }),
  "item/permissions/requestApproval": () => ({ result: { permissions: {}, scope: "turn" } }),
  "item/tool/requestUserInput": () => ({ result: { answers: {} } }),
  "item/tool/call": () => ({
    result: {
      contentItems: [{ type: "inputText", text: "This client does not offer the tool." }],
      success: false,
    },
  }),
  "mcpServer/elicitation/request": () => ({
    result: { action: "decline", content: null, _meta: null },
  }),
  "account/chatgptAuthTokens/refresh": () => refuse("this client does not manage logins"),
  "attestation/generate": () => refuse("this client does not attest"),
  // Nothing is granted by telling the time, while an error would end the turn.
  "currentTime/read": () => ({ result: { currentTimeAt: Math.floor(Date.now() / 1_000) } }),
  applyPatchApproval: () => ({ result: denial }),
  execCommandApproval: () => ({ result: denial }),
};

/** The refusal for a server request, also for one that this library does not know. */
export function refuseRequest(message: RequestMessage): Answer {
  const known = Object.hasOwn(refusals, message.method);
  const refusal = known ? refusals[message.method as keyof ServerRequests] : undefined;
  return refusal?.() ?? refuse("this client does not know the method");
}

function refuse(reason: string): { error: { code: number; message: string } } {
  return { error: { code: notAvailable, message: reason } };
}
