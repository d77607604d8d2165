import type { JsonValue } from "../../../generated/types.js";
import type { TokenCounts, ToolCall } from "../../parts/part-types.js";
import type { PartOf, TurnPart } from "../../parts/turn-part.js";
import { ModelParts } from "../model/model-parts.js";
import type { ModelMetadata, ModelUsage } from "../model/model-types.js";
import { noTokens, usageSince } from "../model/token-usage.js";
import { toolNameOf } from "../tool-name.js";
import { builtinTools } from "./builtin-tools.js";
import type { BuiltinToolName, HarnessFinishReason, HarnessStreamPart } from "./harness-types.js";
import { saysNothing } from "./host-reading.js";
import type { ToldParts } from "./told-parts.js";

/** The tools of Codex that the harness knows by a name of its own. */
const builtinNames: Partial<Record<ToolCall["kind"], BuiltinToolName>> = {
  command: "bash",
  fileChange: "applyPatch",
  webSearch: "webSearch",
  subagent: "subagent",
};

export type HarnessToolCall = Extract<HarnessStreamPart, { type: "tool-call" }>;

/** A call of a tool of Codex, as the host is told it. */
export function callOf(toolCallId: string, tool: ToolCall): HarnessToolCall {
  const input: Record<string, unknown> = { ...tool };
  delete input["kind"];
  const call = { type: "tool-call", toolCallId, input: JSON.stringify(input) } as const;
  const name = builtinNames[tool.kind];
  return name
    ? { ...call, toolName: name, nativeName: builtinTools[name].nativeName, providerExecuted: true }
    : { ...call, toolName: toolNameOf(tool), providerExecuted: true, dynamic: true };
}

/** What is said of a call that says nothing itself. */
const problems = {
  failed: "The call failed.",
  declined: "The call was declined.",
  interrupted: "The call was interrupted.",
} as const;

const changeEvents: Readonly<Record<string, "create" | "modify" | "delete">> = {
  add: "create",
  delete: "delete",
};

interface HarnessPartsOptions {
  readonly told: ToldParts;
  /** Whether texts wait for the end, when the answer is known as the schema has it. */
  readonly holdsText: boolean;
  readonly metadata: () => ModelMetadata;
}

/**
 * Makes parts of the AI SDK's harness of the parts of one turn, and tells its steps apart: a step is what the model says
 * and calls in one response, with what comes of the calls. The server does not say where a response ends, so a step
 * ends when its calls are over and the model says or calls something else.
 */
export class HarnessParts {
  readonly #told: ToldParts;
  readonly #texts: ModelParts;
  readonly #metadata: () => ModelMetadata;
  readonly #output = new Map<string, string>();
  /** The calls that have begun and are not over. */
  readonly #open = new Set<string>();
  /** The calls that the host that reads now was told. */
  #toldHost = new Set<string>();
  #calls = 0;
  #mustEnd = false;
  #isOpen = false;
  #usage: TokenCounts | undefined;
  #toldUsage = noTokens;

  constructor({ told, holdsText, metadata }: HarnessPartsOptions) {
    this.#told = told;
    this.#texts = new ModelParts(() => false, holdsText);
    this.#metadata = metadata;
  }

  /** Whether a host was given this call. */
  hasCall(id: string): boolean {
    return this.#told.hasCall(id);
  }

  /** How many calls the step has told. */
  get callsInStep(): number {
    return this.#calls;
  }

  /** What of a turn's part is told. Calls of the caller's tools, requests and the end are not its business. */
  next(part: TurnPart): readonly HarnessStreamPart[] {
    if (part.origin) return [];
    switch (part.type) {
      case "tool-start":
        return part.tool.kind === "fileChange" ? [] : this.tell(callOf(part.id, part.tool));
      case "tool-output":
        this.#output.set(part.id, (this.#output.get(part.id) ?? "") + part.delta);
        return [];
      case "tool-end":
        return this.#end(part);
      case "usage":
        this.#usage = part.turn;
        return [];
      case "compaction":
        return this.#compacted(part.id);
      default:
        return this.#say(part);
    }
  }

  /** Another host reads on, and is told these parts again. */
  changeHost(again: readonly HarnessStreamPart[] = []): void {
    const calls = again.flatMap((part) => (part.type === "tool-call" ? part.toolCallId : []));
    this.#toldHost = new Set(calls);
  }

  /** Tells a call, whoever carries it out, in a step of its own if the last one is over. */
  tell(part: HarnessToolCall): HarnessStreamPart[] {
    if (this.#told.hasCall(part.toolCallId)) return [];
    const ended = this.#isStepOver ? this.#endBefore() : [];
    this.#calls += 1;
    this.#isOpen = true;
    this.#open.add(part.toolCallId);
    this.#toldHost.add(part.toolCallId);
    return [...ended, ...this.#pass([part])];
  }

  /** Tells a call that the host is asked about; also one that an earlier host was told. */
  tellAsked(part: HarnessToolCall): HarnessStreamPart[] {
    if (!this.#told.hasCall(part.toolCallId)) return this.tell(part);
    if (this.#toldHost.has(part.toolCallId)) return [];
    this.#toldHost.add(part.toolCallId);
    this.#open.add(part.toolCallId);
    return [part];
  }

  /** What came of a call, whoever carried it out. */
  result(
    toolCallId: string,
    toolName: string,
    result: JsonValue | undefined,
    marks: { isError?: true; dynamic?: true } = {},
  ): HarnessStreamPart[] {
    this.#open.delete(toolCallId);
    this.#isOpen = true;
    return this.#pass([
      { type: "tool-result", toolCallId, toolName, result: result ?? "", ...marks },
    ]);
  }

  /** The host has taken the step for ended when it began to wait: what follows is another one. */
  endStep(): void {
    this.#mustEnd = true;
  }

  /** Ends what is open, and the step. */
  finish(finishReason: HarnessFinishReason): HarnessStreamPart[] {
    const texts = this.#pass(this.#texts.pause() as HarnessStreamPart[]);
    if (!this.#isOpen && !this.#mustEnd) return texts;
    return [...texts, this.#finishStep(finishReason)];
  }

  /** A whole text by itself: the answer as its schema has it. */
  whole(text: string): HarnessStreamPart[] {
    const id = "answer";
    const parts: HarnessStreamPart[] = [
      { type: "text-start", id },
      { type: "text-delta", id, delta: text },
      { type: "text-end", id },
    ];
    return this.#opened(parts, true);
  }

  totalUsage(usage: TokenCounts | null): ModelUsage {
    this.#usage = usage ?? this.#usage;
    return usageSince(noTokens, this.#usage);
  }

  #say(part: TurnPart): readonly HarnessStreamPart[] {
    const said = this.#texts.next(part).map((each): HarnessStreamPart => {
      if (!("providerMetadata" in each)) return each as HarnessStreamPart;
      const { providerMetadata, ...rest } = each;
      return { ...rest, harnessMetadata: providerMetadata } as HarnessStreamPart;
    });
    const begins = said.some(({ type }) => type === "text-start" || type === "reasoning-start");
    return this.#opened(said, begins);
  }

  #end(part: PartOf<"tool-end">): readonly HarnessStreamPart[] {
    const { id, tool, status, error, exitCode, durationMs } = part;
    const output = part.output ?? this.#output.get(id) ?? "";
    this.#output.delete(id);
    const changed = tool.kind === "fileChange" ? this.#changed(id, tool, status) : [];
    if (!this.#open.has(id) && !this.#told.hasCall(id)) return changed;
    const name = builtinNames[tool.kind];
    const marks = name ? {} : ({ dynamic: true } as const);
    const toolName = name ?? toolNameOf(tool);
    // A command that fails has an exit code and output to show.
    if (status === "completed" || status === "background" || exitCode !== undefined) {
      const facts = Object.entries({ exitCode, durationMs }).filter(
        ([, fact]) => fact !== undefined,
      );
      const result = { status, output, ...(Object.fromEntries(facts) as Record<string, number>) };
      return [...this.result(id, toolName, result, marks), ...changed];
    }
    const why = error ?? (output === "" ? problems[status] : output);
    return this.result(id, toolName, why, { ...marks, isError: true });
  }

  #changed(
    id: string,
    tool: Extract<ToolCall, { kind: "fileChange" }>,
    status: PartOf<"tool-end">["status"],
  ): readonly HarnessStreamPart[] {
    if (status !== "completed") return [];
    const harnessMetadata = this.#metadata();
    const parts = tool.changes.flatMap(({ path, change, movedTo }): HarnessStreamPart[] => {
      if (movedTo === undefined) {
        const event = changeEvents[change] ?? "modify";
        return [{ type: "file-change", event, path, harnessMetadata }];
      }
      return [
        { type: "file-change", event: "delete", path, harnessMetadata },
        { type: "file-change", event: "create", path: movedTo, harnessMetadata },
      ];
    });
    const changed = this.#told.once(`${id} changes`, parts);
    this.#isOpen ||= changed.length > 0;
    return changed;
  }

  #compacted(id: string): HarnessStreamPart[] {
    // What the summary says, the server keeps to itself.
    const part = { type: "compaction", trigger: "auto", summary: "" } as const;
    return this.#opened(this.#told.once(id, [part]));
  }

  /** `begins`: the model says something else than before. */
  #opened(parts: readonly HarnessStreamPart[], begins = false): HarnessStreamPart[] {
    const rest = this.#pass(parts);
    if (rest.length === 0) return rest;
    const ended = begins && this.#isStepOver ? this.#endBefore() : [];
    this.#isOpen = true;
    return [...ended, ...rest];
  }

  #pass(parts: readonly HarnessStreamPart[]): HarnessStreamPart[] {
    return parts.flatMap((part) => this.#told.rest(part) ?? []);
  }

  /** Whether what the model says or calls next begins another step. */
  get #isStepOver(): boolean {
    return this.#mustEnd || (this.#calls > 0 && this.#open.size === 0);
  }

  /** Ends the step, behind which another one follows. */
  #endBefore(): HarnessStreamPart[] {
    return [this.#finishStep({ unified: "tool-calls", raw: "tool-calls" }), saysNothing()];
  }

  #finishStep(finishReason: HarnessFinishReason): HarnessStreamPart {
    const usage = usageSince(this.#toldUsage, this.#usage);
    this.#toldUsage = this.#usage ?? this.#toldUsage;
    this.#calls = 0;
    this.#mustEnd = false;
    this.#isOpen = false;
    const harnessMetadata = this.#metadata();
    return { type: "finish-step", finishReason, usage, harnessMetadata };
  }
}
