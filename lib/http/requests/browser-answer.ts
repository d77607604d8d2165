import type { RequestAnswer, UserRequest } from "../../index.js";
import { BadRequestError, DecisionRefusedError } from "../web-errors.js";

/** What a browser posts to answer an approval or a question: one of the turn's `request` parts. */
export interface BrowserAnswer {
  /** The `key` of the part. */
  readonly key: string;
  /**
   * `"accept"` allows, or answers; `"acceptForSession"` also what is the same later (see `allowForSession`);
   * `"decline"` refuses, and the turn goes on; `"cancel"` ends the turn, where that is possible.
   */
  readonly decision: BrowserDecision;
  /** To accepted questions: the answer or answers, by the id of each question. */
  readonly answers?: Readonly<Record<string, string | readonly string[]>> | undefined;
  /** To an accepted form: its values, by their names. */
  readonly content?: Readonly<Record<string, FormValue>> | undefined;
}

export type BrowserDecision = "accept" | "acceptForSession" | "decline" | "cancel";

/** The values that forms of MCP servers may ask for. */
export type FormValue = string | number | boolean | null | readonly string[];

const decisions: readonly unknown[] = ["accept", "acceptForSession", "decline", "cancel"];
const fields: readonly string[] = ["key", "decision", "answers", "content"];

/** Reads what a browser has posted, and nothing that is not known. @throws BadRequestError */
export function readAnswer(body: unknown): BrowserAnswer {
  if (!isRecord(body)) throw new BadRequestError("The answer must be an object.");
  const { key, decision, answers, content } = body;
  const isKnown = Object.keys(body).every((name) => fields.includes(name));
  if (!isKnown) throw new BadRequestError("The answer has a field that is not known.");
  if (typeof key !== "string") throw new BadRequestError("The answer needs the key of a request.");
  if (!decisions.includes(decision)) throw new BadRequestError("The decision is not known.");
  if (answers !== undefined && !isRecordOf(answers, isTextOrTexts)) {
    throw new BadRequestError("The answers must be texts, by the ids of the questions.");
  }
  if (content !== undefined && !isRecordOf(content, isFormValue)) {
    throw new BadRequestError("The content must be the values of the form, by their names.");
  }
  return body as unknown as BrowserAnswer;
}

/**
 * The answer for the server. What reaches beyond this request is for the application to decide: rules that
 * codex writes to its configuration cannot be made here at all, and `"acceptForSession"` only if allowed.
 *
 * @throws DecisionRefusedError, BadRequestError
 */
export function toRequestAnswer(
  type: UserRequest["type"],
  { decision, answers, content }: BrowserAnswer,
  allowForSession: boolean,
): RequestAnswer {
  if (decision === "acceptForSession" && !allowForSession) throw new DecisionRefusedError();
  const accepted = decision === "accept" || decision === "acceptForSession";
  switch (type) {
    case "command":
    case "fileChange":
      return decision;
    case "permissions":
      return decision === "cancel" ? "decline" : decision;
    case "userInput":
      return accepted ? (answers ?? {}) : {};
    case "toolApproval":
      if (decision !== "acceptForSession") return decision;
      return { action: "accept", content: {}, _meta: { persist: "session" } };
    default:
      if (!accepted) return decision;
      if (decision === "acceptForSession") throw new BadRequestError("This is asked once only.");
      return type === "form" ? { action: "accept", content: toContent(content) } : decision;
  }
}

/** The answer that refuses, without ending the turn. */
export function refusalFor(type: UserRequest["type"]): RequestAnswer {
  return type === "userInput" ? {} : "decline";
}

function toContent(
  content: BrowserAnswer["content"],
): Record<string, string | number | boolean | string[] | null> {
  const entries = Object.entries(content ?? {});
  return Object.fromEntries(
    entries.map(([name, value]) => [name, isTexts(value) ? [...value] : value]),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function isRecordOf(value: unknown, fits: (each: unknown) => boolean): boolean {
  return isRecord(value) && Object.values(value).every(fits);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === "string");
}

function isTextOrTexts(value: unknown): boolean {
  return typeof value === "string" || isTexts(value);
}

function isFormValue(value: unknown): boolean {
  return value === null || ["number", "boolean"].includes(typeof value) || isTextOrTexts(value);
}
