import type { Attributes, Span } from "@opentelemetry/api";
import type { ServerRequestOperation } from "../index.js";
import { attempt } from "./guarded.js";
import type { Recording } from "./recording.js";
import { own } from "./semantic-conventions.js";

/** The requests of the server that a person is asked with. */
const kinds: Readonly<Record<string, string>> = {
  "item/commandExecution/requestApproval": "command",
  "item/fileChange/requestApproval": "file_change",
  "item/permissions/requestApproval": "permissions",
  "item/tool/requestUserInput": "user_input",
  "mcpServer/elicitation/request": "elicitation",
  execCommandApproval: "command",
  applyPatchApproval: "file_change",
};

export function approvalKind({ method }: ServerRequestOperation): string | undefined {
  return Object.hasOwn(kinds, method) ? kinds[method] : undefined;
}

/** The server asks, and waits. */
export function approvalRequested(span: Span, request: ServerRequestOperation, kind: string): void {
  const { key, startedAtMs } = request;
  const known = { [own.approvalKind]: kind, [own.approvalKey]: key };
  attempt(() => span.addEvent(own.approvalRequested, known, startedAtMs));
}

/** It has its answer, or does not wait any more. The span may be over by then: of one that is, only the time counts. */
export function approvalAnswered(
  recording: Recording,
  span: Span | undefined,
  request: ServerRequestOperation,
  kind: string,
): void {
  const { key, outcome = "over", decision, waitedMs = 0 } = request;
  const seconds = waitedMs / 1_000;
  const known: Attributes = { [own.approvalKind]: kind, [own.approvalOutcome]: outcome };
  if (decision !== undefined) known[own.approvalDecision] = decision;
  const ofEvent = { ...known, [own.approvalKey]: key, [own.approvalWait]: seconds };
  attempt(() => span?.addEvent(own.approvalAnswered, ofEvent));
  recording.instruments.current.approvalDuration.record(seconds, known);
}
