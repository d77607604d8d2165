import type { JsonValue } from "../../../generated/types.js";
import type { RequestHandlers, ToolContext, ToolOutput } from "../../index.js";
import type { AskedRequest, ToolCall } from "../../parts/part-types.js";
import type { PartOf, TurnPart } from "../../parts/turn-part.js";
import { unwrapCall, type UnwrappedCall } from "./added-tool.js";
import { answersIn, questionsInput } from "./builtin-tools.js";
import { callOf, type HarnessParts, type HarnessToolCall } from "./harness-parts.js";
import type { HarnessPermissions } from "./harness-permissions.js";
import type { HarnessStreamPart, HarnessToolSpec } from "./harness-types.js";
import { decideItself } from "./decide-itself.js";
import { Decisions } from "./decisions.js";
import { readHostResult, type HostResult } from "./host-result.js";
import { HostAnswers } from "./host-answers.js";

type HostAnswer =
  | { readonly type: "approval"; readonly approved: boolean }
  | ({ readonly type: "result" } & HostResult);

/** Something that the host is asked: an approval, questions, or to carry out one of the caller's tools. */
export interface HarnessAsk {
  /** Of the call, or of the approval: by this the host answers. */
  readonly id: string;
  /** What asks it. */
  readonly parts: readonly HarnessStreamPart[];
  /** A call that stands for the request alone, and ends with the answer. */
  readonly standIn?: { readonly id: string; readonly toolName: string } | undefined;
  /** Whether an earlier host was asked it. */
  readonly isOld: boolean;
}

interface OpenAsk extends HarnessAsk {
  isOld: boolean;
  /** Whether the host that reads now was asked it. */
  isTold: boolean;
}

/** What one turn asks of the host, and the handlers through which the server gets the answers. */
export class HarnessAsks {
  /** Called when nobody needs an answer to something any more that the host has not answered. */
  onOver: () => void = () => undefined;
  readonly #permissions: HarnessPermissions;
  /** The names of the caller's tools. */
  readonly #tools: ReadonlySet<string>;
  readonly #answers: HostAnswers<HostAnswer>;
  readonly #open = new Map<string, OpenAsk>();
  /** By the key of a request: whether it is granted without anybody being asked, or refused so. */
  readonly #decisions = new Decisions();
  /** The calls that a host has refused. */
  readonly #refused = new Set<string>();
  readonly #outputs = new Map<string, { readonly result: JsonValue; readonly isError: boolean }>();
  /** Results of calls that stand for a request, which are to be told. */
  #standInResults: { readonly id: string; readonly toolName: string; readonly result: string }[] =
    [];

  constructor(permissions: HarnessPermissions, tools: readonly HarnessToolSpec[] = []) {
    this.#permissions = permissions;
    this.#tools = new Set(tools.map(({ name }) => name));
    this.#answers = new HostAnswers((id) => {
      this.over(id);
    });
  }

  /** Whether the host that reads is asked something, and has not answered. */
  get isHeld(): boolean {
    return [...this.#open.values()].some(({ isTold }) => isTold);
  }

  /** What earlier hosts were asked, and have not answered. */
  get old(): readonly HarnessAsk[] {
    return [...this.#open.values()].filter(({ isOld }) => isOld);
  }

  /** What of parts that a host has not read is left to tell. What is still asked, the next one is asked anew. */
  leftOf(parts: readonly HarnessStreamPart[]): HarnessStreamPart[] {
    const isUnneeded = (part: HarnessStreamPart): boolean =>
      part.type === "tool-call" && part.providerExecuted !== true && !this.isOpen(part.toolCallId);
    const ids = parts.filter(isUnneeded).map((part) => "toolCallId" in part && part.toolCallId);
    return parts.filter(
      (part) =>
        part.type !== "tool-approval-request" &&
        !("toolCallId" in part && ids.includes(part.toolCallId)),
    );
  }

  /** The handlers of the turn. */
  readonly handlers: RequestHandlers = {
    onApproval: async (request, { key, signal }) => {
      return (await this.#mayGoOn(key, signal, decideItself(request, this.#permissions)))
        ? "accept"
        : "decline";
    },
    onElicitation: async (request, { key, signal }) => {
      const isApproval = request.type === "toolApproval";
      const decision = Promise.resolve(isApproval ? undefined : false);
      return (await this.#mayGoOn(key, signal, decision)) ? "accept" : "decline";
    },
    onUserInput: async (_, { key, signal }) => {
      const mayAsk = this.#permissions.has("askUserQuestions");
      this.#decisions.set(key, Promise.resolve(mayAsk ? undefined : false));
      if (!mayAsk) return {};
      const answer = await this.#answers.wait(key, signal);
      return answer.type === "result" ? answersIn(answer.output) : {};
    },
  };

  /** Carries out a call of one of the caller's tools: waits for the host's result. */
  async call(name: string, { callId, signal }: ToolContext): Promise<ToolOutput> {
    const answer = await this.#answers.wait(callId, signal);
    if (answer.type !== "result") throw new Error("It was given no result.");
    const { result, problem, output } = readHostResult(name, callId, answer);
    this.#outputs.set(callId, { result, isError: problem !== undefined });
    if (problem !== undefined) throw new Error(problem);
    return output;
  }

  /** The result of a call of the caller's tools, as the host gave it, or as the server tells it. */
  resultOf({ id, status, output, error }: PartOf<"tool-end">): {
    result: JsonValue;
    isError?: true;
  } {
    this.over(id);
    const given = this.#outputs.get(id);
    this.#outputs.delete(id);
    const isError = given?.isError ?? status !== "completed";
    const result = given?.result ?? error ?? output ?? "";
    return { result, ...(isError ? { isError } : {}) };
  }

  /** Whether a host has refused the call of a tool of Codex. */
  isRefused(id: string): boolean {
    return this.#refused.has(id);
  }

  /** The call of one of the caller's tools, whichever way the model has made it; undefined for any other call. */
  callIn({
    tool,
    origin,
  }: TurnPart & PartOf<"tool-start" | "tool-end">): UnwrappedCall | undefined {
    if (origin || tool.kind !== "function") return undefined;
    const call = unwrapCall(tool.tool, tool.arguments);
    return this.#tools.has(call.tool) ? call : undefined;
  }

  /** Such a call as the host is to be told of it; undefined when the host has answered already. */
  askOf(id: string, { tool: toolName, input }: UnwrappedCall): HarnessAsk | undefined {
    if (this.#answers.isAnswered(id)) return undefined;
    const call = { toolCallId: id, toolName, input: JSON.stringify(input ?? {}) };
    return this.#opened(id, [{ type: "tool-call", ...call }]);
  }

  /** A request to be told to the host; undefined when it is decided. `mcpCall` finds a call that has begun. */
  async requestOf(
    { key, toolId, request, origin }: TurnPart & PartOf<"request">,
    mcpCall: (id: string) => HarnessToolCall | undefined,
  ): Promise<HarnessAsk | undefined> {
    const decision = await this.#decisions.of(key);
    if (decision !== undefined || this.#answers.isAnswered(key)) return undefined;
    if (request.kind === "questions") {
      const input = JSON.stringify(questionsInput(request.questions));
      const toolName = "askUserQuestions";
      const parts = [{ type: "tool-call" as const, toolCallId: key, toolName, input }];
      return this.#opened(key, parts, { id: key, toolName });
    }
    if (!["command", "fileChange", "permissions", "toolApproval"].includes(request.kind)) return;
    const approval = (toolCallId: string) =>
      ({ type: "tool-approval-request", approvalId: key, toolCallId }) as const;
    // Sub-agents may use the ids of others.
    const about = origin ? undefined : toolId;
    const tool = toolOf(request);
    const call = about === undefined ? undefined : tool ? callOf(about, tool) : mcpCall(about);
    if (call) return this.#opened(key, [call, approval(call.toolCallId)]);
    const toolName = `request-${request.kind}`;
    const input = JSON.stringify({ ...request, ...(origin ? { origin } : {}) });
    const own = { toolCallId: key, toolName, input, providerExecuted: true, dynamic: true };
    return this.#opened(key, [{ type: "tool-call", ...own }, approval(key)], {
      id: key,
      toolName,
    });
  }

  /** Whether the host is to be asked it, or was, and has not answered. */
  isOpen(id: string): boolean {
    return this.#open.has(id);
  }

  /** The host is about to be asked it. */
  tell({ id }: HarnessAsk): void {
    const ask = this.#open.get(id);
    if (ask) ask.isTold = true;
  }

  /** Answers what was asked, or what will be asked once more. */
  answer(id: string, answer: HostAnswer): HarnessAsk | undefined {
    const ask = this.#open.get(id);
    this.#open.delete(id);
    if (answer.type === "approval" && !answer.approved) this.#refuse(ask);
    if (ask?.standIn) {
      const said = answer.type === "approval" && !answer.approved ? "declined" : "answered";
      this.#standInResults.push({ ...ask.standIn, result: said });
    }
    this.#answers.answer(id, answer);
    return ask;
  }

  /** Nobody needs an answer any more. */
  over(id: string): void {
    const ask = this.#open.get(id);
    if (!ask) return;
    this.#open.delete(id);
    if (ask.standIn) this.#standInResults.push({ ...ask.standIn, result: "over" });
    this.onOver();
  }

  takeResults(parts: HarnessParts): HarnessStreamPart[] {
    const results = this.#standInResults;
    this.#standInResults = [];
    return results.flatMap(({ id, toolName, result }) => {
      const dynamic = toolName === "askUserQuestions" ? {} : ({ dynamic: true } as const);
      return parts.result(id, toolName, { outcome: result }, dynamic);
    });
  }

  /** The host that reads is gone; what it was asked, the next one is asked. */
  forgetHost(): void {
    for (const ask of this.#open.values()) {
      ask.isOld ||= ask.isTold;
      ask.isTold = false;
    }
  }

  clear(): void {
    this.#answers.clear();
    this.#decisions.clear();
  }

  #refuse(ask: HarnessAsk | undefined): void {
    for (const part of ask?.parts ?? []) {
      if (part.type === "tool-approval-request") this.#refused.add(part.toolCallId);
    }
  }

  #opened(
    id: string,
    parts: readonly HarnessStreamPart[],
    standIn?: HarnessAsk["standIn"],
  ): HarnessAsk {
    const ask: OpenAsk = { id, parts, standIn, isOld: false, isTold: false };
    this.#open.set(id, ask);
    return ask;
  }

  /** Asks the host, unless it is decided. */
  async #mayGoOn(
    key: string,
    signal: AbortSignal,
    decision: Promise<boolean | undefined>,
  ): Promise<boolean> {
    // What cannot be found out, a person is asked.
    const sure = decision.catch(() => undefined);
    this.#decisions.set(key, sure);
    const decided = await sure;
    if (decided !== undefined) return decided;
    const answer = await this.#answers.wait(key, signal);
    return answer.type === "approval" && answer.approved;
  }
}

/** The call that an approval is about; undefined for one of a tool that says nothing of it. */
function toolOf(request: AskedRequest): ToolCall | undefined {
  if (request.kind === "fileChange") return { kind: "fileChange", changes: request.changes };
  if (request.kind !== "command" || request.command === null) return undefined;
  const { command, cwd } = request;
  return { kind: "command", command, ...(cwd === undefined ? {} : { cwd }) };
}
