import type { JsonValue } from "../../../generated/types.js";
import type { PartPhase, ToolCall } from "../../parts/part-types.js";
import type { PartOf, TurnPart } from "../../parts/turn-part.js";
import { toolNameOf } from "../tool-name.js";
import type { ModelStreamPart } from "./model-types.js";

const nothing: readonly ModelStreamPart[] = [];

/** Tools of Codex: they run where the server runs, and `ai` knows none of them. */
const elsewhere = { providerExecuted: true, dynamic: true } as const;

/** What is said of a call that says nothing itself. */
const problems = {
  failed: "The call failed.",
  declined: "The call was declined.",
  interrupted: "The call was interrupted.",
} as const;

interface OpenText {
  readonly kind: "text" | "reasoning";
  /** The section of a piece of reasoning that came last. */
  section: string;
}

/**
 * Makes parts of the AI SDK's language models of the parts of one turn: what the assistant says, thinks, and
 * does with the tools of Codex. What it remarks on the way to its answer is reasoning, so that the text is the
 * answer. Calls of the caller's tools are not its business, and those who work for the turn are left out.
 */
export class ModelParts {
  readonly #isCallers: (tool: string) => boolean;
  /** Whether texts wait for the end, when the answer is known as the schema has it. */
  readonly #holdsText: boolean;
  readonly #open = new Map<string, OpenText>();
  readonly #output = new Map<string, string>();

  constructor(isCallers: (tool: string) => boolean, holdsText: boolean) {
    this.#isCallers = isCallers;
    this.#holdsText = holdsText;
  }

  next(part: TurnPart): readonly ModelStreamPart[] {
    if (part.origin) return nothing;
    switch (part.type) {
      case "message-start":
        return this.#begin(part.id, part.phase === "commentary" ? "reasoning" : "text", part.phase);
      case "message-delta":
        return this.#grow(part.id, part.delta);
      case "message-reset":
        return this.#finish(part.id, { reset: true });
      case "message-end":
        return this.#finish(part.id, { phase: part.phase, cut: part.cut });
      case "reasoning-start":
        return this.#begin(part.id, "reasoning", null);
      case "reasoning-delta":
        return this.#think(part);
      case "reasoning-end":
        return this.#finish(part.id);
      case "tool-start":
        return this.#call(part);
      case "tool-output":
        this.#output.set(part.id, (this.#output.get(part.id) ?? "") + part.delta);
        return nothing;
      case "tool-end":
        return this.#result(part);
      default:
        return nothing;
    }
  }

  /** Ends what is open, when a step ends before the turn does. */
  pause(): readonly ModelStreamPart[] {
    return [...this.#open.keys()].flatMap((id) => this.#finish(id));
  }

  #begin(id: string, kind: OpenText["kind"], phase: PartPhase | null): readonly ModelStreamPart[] {
    if (kind === "text" && this.#holdsText) return nothing;
    const again = this.#finish(id);
    this.#open.set(id, { kind, section: "" });
    return [...again, { type: `${kind}-start`, id, providerMetadata: { codex: { phase } } }];
  }

  #grow(id: string, delta: string): readonly ModelStreamPart[] {
    const open = this.#open.get(id);
    return open ? [{ type: `${open.kind}-delta`, id, delta }] : nothing;
  }

  #think({ id, section, raw, delta }: PartOf<"reasoning-delta">): readonly ModelStreamPart[] {
    const open = this.#open.get(id);
    if (!open) return nothing;
    const key = `${section} ${raw === true}`;
    const isNext = open.section !== "" && open.section !== key;
    open.section = key;
    return this.#grow(id, isNext ? `\n\n${delta}` : delta);
  }

  #finish(id: string, codex?: Record<string, JsonValue>): readonly ModelStreamPart[] {
    const open = this.#open.get(id);
    if (!open) return nothing;
    this.#open.delete(id);
    return [
      { type: `${open.kind}-end`, id, ...(codex ? { providerMetadata: { codex } } : undefined) },
    ];
  }

  #call({ id, tool }: PartOf<"tool-start">): readonly ModelStreamPart[] {
    if (this.#isCallersCall(tool)) return nothing;
    this.#output.set(id, "");
    const input: Record<string, unknown> = { ...tool };
    delete input["kind"];
    const named = { toolCallId: id, toolName: toolNameOf(tool) };
    return [{ type: "tool-call", ...named, input: JSON.stringify(input), ...elsewhere }];
  }

  #result(part: PartOf<"tool-end">): readonly ModelStreamPart[] {
    const { id, tool, status, error, exitCode, durationMs } = part;
    if (this.#isCallersCall(tool)) return nothing;
    const output = part.output ?? this.#output.get(id) ?? "";
    this.#output.delete(id);
    const named = { toolCallId: id, toolName: toolNameOf(tool), dynamic: true } as const;
    // A command that fails has an exit code and output to show.
    if (status === "completed" || status === "background" || exitCode !== undefined) {
      const facts = { exitCode, durationMs };
      const known = Object.entries(facts).filter(([, value]) => value !== undefined);
      const result = { status, output, ...(Object.fromEntries(known) as Record<string, number>) };
      return [{ type: "tool-result", ...named, result }];
    }
    const result = error ?? (output === "" ? problems[status] : output);
    return [{ type: "tool-result", ...named, result, isError: true }];
  }

  #isCallersCall(tool: ToolCall): boolean {
    return tool.kind === "function" && tool.namespace === null && this.#isCallers(tool.tool);
  }
}
