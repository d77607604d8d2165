/** The methods that no test with the real app-server touches, and why. */
export const notReal: Readonly<Partial<Record<string, string>>> = {
  "remoteControl/enable": "opens the machine to a service on the network",
  "userVerification/enroll": "may ask the person at the machine for a fingerprint",
  "userVerification/verify": "may ask the person at the machine for a fingerprint",
  "userVerification/delete": "removes what the person at the machine has enrolled",

  applyPatchApproval: "of an older protocol; the server does not send it",
  execCommandApproval: "of an older protocol; the server does not send it",

  "currentTime/read": "servers up to 0.169.0 send it; the pinned one does not",

  "attestation/generate": "asked when the server talks to OpenAI's own service",

  "app/list/updated": "comes from apps of a ChatGPT account",
  "autoApprovalReview/strictReviewRequired":
    "not seen: the reviewer of the tests is a loopback model",
  "item/fileChange/outputDelta": "of an older protocol; the server does not send it",
  "item/mcpToolCall/progress":
    "the server keeps to itself what an MCP server says about its progress",
  "mcpServer/event/stream/notification": "comes from apps of a ChatGPT account",
  "model/safetyBuffering/updated": "comes from OpenAI's own service",
  "modelProvider/authRecoveryCompleted":
    "not seen: a provider's 401 is answered with a new token at once",
  "modelProvider/authRecoveryStarted":
    "not seen: a provider's 401 is answered with a new token at once",
  "thread/compacted": "of an older protocol; the server sends an item instead",
  "thread/environment/connected": "not seen: an exec-server that came and went did not bring it",
  "thread/environment/disconnected": "not seen: an exec-server that came and went did not bring it",
  "thread/prediction/updated": "the server answers that predictions are not implemented",
  "thread/realtime/sdp": "belongs to WebRTC, which needs OpenAI's own service",
  "turn/plan/updated": "no model that the tests can play has the tool for it",
  "windows/worldWritableWarning": "Windows only",
};
