import { statusChannel } from "../diagnostics/channels.js";
import { errorTypeOf } from "../diagnostics/operation.js";
import type { StatusMessage } from "../diagnostics/status-message.js";
import type { CodexStatus } from "./codex-status.js";

let made = 0;

/** Makes what publishes each status of one more `Codex` on the channel, while somebody subscribes. */
export function statusPublisher(): (status: CodexStatus) => void {
  made += 1;
  const codex = made;
  return (status) => {
    if (statusChannel.hasSubscribers) statusChannel.publish(toMessage(codex, status));
  };
}

/** The reason of a loss is left out: it holds what the server has written to stderr. */
function toMessage(codex: number, status: CodexStatus): StatusMessage {
  return {
    codex,
    state: status.state,
    attempt: "attempt" in status ? status.attempt : undefined,
    serverVersion: status.state === "ready" ? status.serverInfo.version : undefined,
    errorType: status.state === "lost" ? errorTypeOf(status.error) : undefined,
    mayRestart: status.state === "lost" ? status.mayRestart : undefined,
  };
}
