import type { JsonValue } from "../../../generated/types.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import { fieldsIn, harnessSchema } from "./harness-schema.js";
import type {
  HarnessContinueState,
  HarnessResumeState,
  HarnessSchema,
  HarnessStateData,
} from "./harness-types.js";

export const harnessId = "codex";

/** What a session's state has to be. It may come from a database, but never from a browser. */
export const stateSchema: HarnessSchema<HarnessStateData> = harnessSchema(
  {
    type: "object",
    properties: { threadId: { type: ["string", "null"] }, told: { type: "object" } },
    required: ["threadId", "told"],
  },
  problemOf,
);

function problemOf(value: unknown): string | undefined {
  const { threadId, told, turn, compactions = [] } = fieldsIn(value);
  if (threadId !== null && !isText(threadId)) return "threadId must be the id of a thread, or null";
  const { instructions, skills, tools } = fieldsIn(told);
  if (!isString(instructions) || !isString(skills) || !isRecordOf(tools, isString)) {
    return "told must have instructions, skills and tools";
  }
  if (!Array.isArray(compactions) || !compactions.every(isCompaction)) {
    return "compactions must be a list of numbers of tokens";
  }
  if (turn === undefined) return undefined;
  const { id, calls, results, texts } = fieldsIn(turn);
  const fits =
    isText(id) && isList(calls) && isList(results) && isRecordOf(texts, Number.isInteger);
  return fits ? undefined : "turn must have id, calls, results and texts";
}

/** @throws InvalidArgumentError for a state that is none of a session of this harness. */
export function readState(
  state: { readonly data: unknown } | undefined,
): HarnessStateData | undefined {
  if (state === undefined) return undefined;
  const problem = problemOf(state.data);
  if (problem !== undefined) throw new InvalidArgumentError("state", `does not fit: ${problem}`);
  return state.data as HarnessStateData;
}

export function resumeState(data: HarnessStateData): HarnessResumeState {
  return { type: "resume-session", ...base, data: data as unknown as JsonValue };
}

export function continueState(data: HarnessStateData): HarnessContinueState {
  return { type: "continue-turn", ...base, data: data as unknown as JsonValue };
}

const base = { harnessId, specificationVersion: "harness-v1" } as const;

const isString = (value: unknown): boolean => typeof value === "string";
const isText = (value: unknown): boolean => typeof value === "string" && value !== "";
const isCompaction = (value: unknown): boolean => isRecordOf(value, Number.isInteger);
const isList = (value: unknown): boolean => Array.isArray(value) && value.every(isString);

function isRecordOf(value: unknown, fits: (value: unknown) => boolean): boolean {
  return typeof value === "object" && value !== null && Object.values(value).every(fits);
}
