import {
  isAppServerError,
  TurnFailedError,
  TurnJobFailedError,
  TurnUnknownError,
  type TurnResult,
} from "../../index.js";
import { endingOfCode } from "../../parts/turn-problem.js";
import type { PartOf } from "../../parts/turn-part.js";
import type { FleetStore } from "../store/fleet-store.js";
import { storable } from "./storable.js";

export interface FailedOutcome {
  readonly type: "failed";
  readonly code: string;
  readonly message: string;
  readonly result?: TurnResult | undefined;
  /** Whether the turn may have been sent to the server. */
  readonly sent: boolean;
}

/** How a job ended, as the store keeps it. Written once, before anybody else is told. */
export type JobOutcome = { readonly type: "result"; readonly result: TurnResult } | FailedOutcome;

const outcomeNote = "outcome";

export async function outcomeOf(store: FleetStore, jobId: string): Promise<JobOutcome | undefined> {
  return (await store.noteOf(jobId, outcomeNote)) as JobOutcome | undefined;
}

export async function noteOutcome(
  store: FleetStore,
  jobId: string,
  outcome: JobOutcome,
): Promise<void> {
  await store.note(jobId, outcomeNote, outcome);
}

/** The result of a turn that ended, however it did. */
export function outcomeOfResult(result: TurnResult): JobOutcome {
  if (result.status !== "failed") return { type: "result", result };
  const { code, message } = new TurnFailedError(result);
  return { type: "failed", code, message, result, sent: true };
}

export function outcomeOfError(error: unknown, sent: boolean): FailedOutcome {
  const { code, message, result } = describe(error);
  return { type: "failed", code, message, result, sent };
}

/** Of a job that is over, and of which the store has forgotten how it ended. */
export const forgottenResult: FailedOutcome = {
  type: "failed",
  code: "JOB_OVER",
  message: "The turn has ended before, and its result is not kept any more. It is not begun again.",
  sent: true,
};

/** A turn that was stopped before it was sent. */
export function calledOff(threadId: string | null): JobOutcome {
  const result: TurnResult = {
    id: "",
    threadId: threadId ?? "",
    status: "interrupted",
    output: undefined,
    error: null,
    finalResponse: null,
    items: [],
    warnings: [],
    usage: null,
    usageWithSubagents: null,
    startedAt: null,
    completedAt: null,
    durationMs: null,
  };
  return { type: "result", result };
}

/** What BullMQ's dashboards show. */
export function reasonOf({ code, message }: FailedOutcome): string {
  return storable(message === "" ? code : `${code}: ${message}`);
}

/** The error that tells a caller on another machine how a job failed. */
export function errorOf(
  jobId: string,
  { code, message, result, sent }: FailedOutcome,
): TurnJobFailedError | TurnUnknownError {
  if (code === "TURN_UNKNOWN") return new TurnUnknownError(jobId);
  return new TurnJobFailedError({ jobId, failureCode: code, words: message, result, sent });
}

/** The last part of a job's events; `shown` is what following the turn has ended with, if anything. */
export function endPartOf(outcome: JobOutcome, shown?: PartOf<"end">): PartOf<"end"> {
  const { result } = outcome;
  const facts = {
    type: "end",
    finalResponse: shown?.finalResponse ?? result?.finalResponse ?? null,
    usage: shown?.usage ?? null,
    durationMs: shown?.durationMs ?? result?.durationMs ?? null,
  } as const;
  if (outcome.type === "result") return { ...facts, status: endStatusOf(outcome.result) };
  return { ...facts, ...endingOfCode(outcome.code) };
}

function endStatusOf({ status }: TurnResult): PartOf<"end">["status"] {
  return status === "completed" || status === "interrupted" ? status : "lost";
}

function describe(error: unknown): {
  readonly code: string;
  readonly message: string;
  readonly result?: TurnResult | undefined;
} {
  if (isAppServerError(error)) {
    const { result } = error as { result?: TurnResult };
    return { code: error.code, message: error.message, result };
  }
  // The words of an error of the application may hold anything; its name does not.
  const name = error instanceof Error ? error.name : "Error";
  return { code: name, message: "" };
}
