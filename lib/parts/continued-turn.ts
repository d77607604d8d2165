import { isDeepStrictEqual } from "node:util";
import type { TokenCounts, ToolStatus } from "./part-types.js";
import { ShownText, type ShownEntry } from "./shown-text.js";
import type { PartBody, PartEndStatus, PartOf } from "./turn-part.js";
import type { TurnView, ViewEntry } from "./turn-view.js";

type Shown<Type extends ViewEntry["type"]> = ShownEntry<Extract<ViewEntry, { type: Type }>>;
type MessagePart = PartOf<"message-start" | "message-delta" | "message-reset" | "message-end">;
type ReasoningPart = PartOf<"reasoning-start" | "reasoning-delta" | "reasoning-end">;
type ToolPart = PartOf<"tool-start" | "tool-update" | "tool-output" | "tool-progress" | "tool-end">;

const nothing: readonly PartBody[] = [];

/**
 * One turn that was shown up to some part, and is told again from its start by somebody who has missed what was open. Of
 * that it lets through what is new. What was open and is told again as a whole, gets what is missing; where that is not
 * what was shown, it is told anew.
 */
export class ContinuedTurn {
  readonly #messages: Map<string, Shown<"message">>;
  readonly #reasoning: Map<string, Shown<"reasoning">>;
  readonly #tools: Map<string, Shown<"tool">>;
  /** Whether they are open, by their keys. */
  readonly #requests: Map<string, { readonly toolId: string | undefined; isOpen: boolean }>;
  /** What has no end of its own; of others, whether it has ended. */
  readonly #items = new Map<string, boolean>();
  readonly #latest = new Map<string, PartBody>();
  #hasStarted: boolean;
  #isRetrying: boolean;
  #isOver: boolean;

  constructor(view: TurnView) {
    const { entries } = view;
    this.#messages = ShownText.of(entries, "message");
    this.#reasoning = ShownText.of(entries, "reasoning");
    this.#tools = ShownText.of(entries, "tool");
    this.#requests = new Map(
      entries.flatMap((entry) => {
        if (entry.type !== "request") return [];
        return [[entry.id, { toolId: entry.toolId, isOpen: entry.outcome === null }] as const];
      }),
    );
    for (const [at, entry] of entries.entries()) {
      if (entry.type === "compaction" || entry.type === "user-message") this.#note(entry);
      if (entry.type === "other") this.#items.set(`other ${entry.id}`, entry.ended);
      if (entry.type === "user-message") this.#steer(new Set(entries.slice(0, at)));
    }
    for (const part of [view.plan, view.diff === null ? null : diffPart(view.diff), view.usage]) {
      if (part) this.#latest.set(part.type, part);
    }
    this.#hasStarted = view.turnId !== null;
    this.#isRetrying = view.retry !== null;
    this.#isOver = view.end !== null;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** What a viewer lacks of this part. */
  next(part: PartBody): readonly PartBody[] {
    if (this.#isOver) return nothing;
    const parts = this.#tell(part);
    const isHeard = parts.some(({ type }) => /^(message|reasoning|tool)-/.test(type));
    if (!this.#isRetrying || !isHeard) return parts;
    this.#isRetrying = false;
    return [{ type: "retry-end" }, ...parts];
  }

  /** Ends the requests that were shown and are not among those that wait for an answer. */
  answered(pending: ReadonlySet<string>): readonly PartBody[] {
    return this.#endRequests("answered", (key) => !pending.has(key));
  }

  /** The last parts of a turn of which nobody tells the end. */
  lose(): readonly PartBody[] {
    const end = { finalResponse: null, usage: null, durationMs: null };
    return this.next({ type: "end", status: "lost", ...end });
  }

  #tell(part: PartBody): readonly PartBody[] {
    switch (part.type) {
      case "start":
        if (this.#hasStarted) return nothing;
        this.#hasStarted = true;
        return [part];
      case "user-message":
      case "compaction":
        if (this.#items.has(`${part.type} ${part.id}`)) return nothing;
        this.#note(part);
        if (part.type === "user-message") this.#steer();
        return [part];
      case "other": {
        const key = `other ${part.id}`;
        if (this.#items.get(key) === true || this.#items.get(key) === part.ended) return nothing;
        this.#items.set(key, part.ended);
        return [part];
      }
      case "message-start":
      case "message-delta":
      case "message-reset":
      case "message-end":
        return this.#message(part);
      case "reasoning-start":
      case "reasoning-delta":
      case "reasoning-end":
        return this.#reason(part);
      case "tool-start":
      case "tool-update":
      case "tool-output":
      case "tool-progress":
      case "tool-end":
        return this.#tool(part);
      case "request":
        if (this.#requests.has(part.key)) return nothing;
        this.#requests.set(part.key, { toolId: part.toolId, isOpen: true });
        return [this.#withChanges(part)];
      case "request-end":
        return this.#endRequests(part.outcome, (key) => key === part.key);
      case "usage":
        return this.#renew(this.#counted(part));
      case "plan":
      case "diff":
        return this.#renew(part);
      case "retry":
        this.#isRetrying = true;
        return [part];
      case "retry-end":
        if (!this.#isRetrying) return nothing;
        this.#isRetrying = false;
        return [part];
      case "end":
        this.#isOver = true;
        return [...this.#close(part.status), { ...part, usage: this.#usage?.turn ?? part.usage }];
      default:
        return [part];
    }
  }

  #renew(part: PartOf<"plan" | "diff" | "usage">): readonly PartBody[] {
    if (isDeepStrictEqual(this.#latest.get(part.type), part)) return nothing;
    this.#latest.set(part.type, part);
    return [part];
  }

  /** Whoever has not heard the beginning of a turn counts too few tokens; the count of the whole thread tells. */
  #counted(part: PartOf<"usage">): PartOf<"usage"> {
    const shown = this.#usage;
    if (!shown) return part;
    const names = Object.keys(part.turn) as (keyof TokenCounts)[];
    const counts = names.map((name) => {
      const before = shown.thread[name] - shown.turn[name];
      return [name, part.thread[name] - before] as const;
    });
    return { ...part, turn: { ...part.turn, ...Object.fromEntries(counts) } };
  }

  get #usage(): PartOf<"usage"> | undefined {
    const usage = this.#latest.get("usage");
    return usage?.type === "usage" ? usage : undefined;
  }

  #message(given: MessagePart): readonly PartBody[] {
    const { id } = given;
    const shown = this.#messages.get(id);
    if (!shown) return given.type === "message-start" ? [...this.#leave(), given] : [given];
    const { entry, text } = shown;
    const isOpen = entry.state === "open";
    // What it is, only its beginning may have told.
    const part =
      given.type === "message-end" ? { ...given, phase: given.phase ?? entry.phase } : given;
    switch (part.type) {
      case "message-start":
        text.tellAgain();
        return nothing;
      case "message-delta": {
        const delta = text.add(part.delta);
        return isOpen && delta !== "" ? [{ ...part, delta }] : nothing;
      }
      case "message-reset":
        if (!isOpen) {
          text.tellAgain();
          return nothing;
        }
        this.#messages.delete(id);
        return [part];
      default: {
        if (!isOpen && (part.cut || text.isWhole)) return nothing;
        this.#messages.delete(id);
        // What is cut was heard from somewhere in its middle on.
        const isTorn = part.cut && !text.isWhole && !text.isBehind;
        if (isTorn) return [{ type: "gap", ids: [id] }, part];
        if (text.isWhole || part.cut) return [part];
        const { phase } = part;
        const anew: PartBody[] = [
          { type: "message-start", id, phase },
          ...(text.told === "" ? [] : [{ type: "message-delta", id, delta: text.told } as const]),
          part,
        ];
        return isOpen ? [{ type: "message-reset", id }, ...anew] : anew;
      }
    }
  }

  #reason(part: ReasoningPart): readonly PartBody[] {
    const { id } = part;
    const shown = this.#reasoning.get(id);
    if (!shown) return part.type === "reasoning-start" ? [...this.#leaveReasoning(), part] : [part];
    const { entry, sections } = shown;
    switch (part.type) {
      case "reasoning-start":
        sections.tellAgain();
        return nothing;
      case "reasoning-delta": {
        const delta = sections.add(part);
        return entry.open && delta !== "" ? [{ ...part, delta }] : nothing;
      }
      default: {
        if (!entry.open && sections.areWhole) return nothing;
        this.#reasoning.delete(id);
        if (sections.areWhole) return [part];
        const end = entry.open ? [part] : [];
        return [...end, { type: "reasoning-start", id }, ...sections.anew(id), part];
      }
    }
  }

  #tool(part: ToolPart): readonly PartBody[] {
    const { id } = part;
    const shown = this.#tools.get(id);
    if (!shown) return [part];
    const { text } = shown;
    const isOpen = shown.entry.status === "running";
    switch (part.type) {
      case "tool-start":
        text.tellAgain();
        return isOpen ? this.#update(shown, { ...part, type: "tool-update" }) : nothing;
      case "tool-update":
        return isOpen ? this.#update(shown, part) : nothing;
      case "tool-output": {
        const delta = text.add(part.delta);
        return isOpen && delta !== "" ? [{ ...part, delta }] : nothing;
      }
      case "tool-progress":
        if (!isOpen || shown.entry.progress === part.message) return nothing;
        shown.entry = { ...shown.entry, progress: part.message };
        return [part];
      default: {
        if (!isOpen) return nothing;
        // Should it be announced once more, it has ended all the same.
        shown.entry = { ...shown.entry, status: part.status };
        return [...this.#endRequestsOf(part), ...this.#lastOutput(part, text)];
      }
    }
  }

  /** Which files are to be changed, only the beginning of the call has told. */
  #withChanges(part: PartOf<"request">): PartBody {
    const tool = this.#tools.get(part.toolId ?? "")?.entry.tool;
    const { request } = part;
    if (request.kind !== "fileChange" || request.changes.length > 0) return part;
    if (tool?.kind !== "fileChange") return part;
    return { ...part, request: { ...request, changes: tool.changes } };
  }

  #update(shown: Shown<"tool">, part: PartOf<"tool-update">): readonly PartBody[] {
    const { tool } = shown.entry;
    // Who has not heard of the files announces the call without them.
    const isLess = part.tool.kind === "fileChange" && part.tool.changes.length === 0;
    if (isLess || isDeepStrictEqual(tool, part.tool)) return nothing;
    shown.entry = { ...shown.entry, tool: part.tool };
    return [part];
  }

  #endRequestsOf({ id, status }: PartOf<"tool-end">): readonly PartBody[] {
    const outcome = status === "interrupted" ? "over" : "answered";
    return this.#endRequests(outcome, (_key, toolId) => toolId === id);
  }

  /** The end of a call, with the output that is missing, or with all of it. */
  #lastOutput(part: PartOf<"tool-end">, text: ShownText): readonly PartBody[] {
    const { output, ...end } = part;
    if (output !== undefined) text.tellAgain(output);
    if (text.isWhole || text.told === "") return [end];
    const { id } = part;
    const rest = text.rest();
    if (rest !== undefined) return [{ type: "tool-output", id, delta: rest }, end];
    // Of a call that is cut short, the output was heard from somewhere in its middle on.
    const isCut = output === undefined && isUnfinished(part.status);
    if (isCut) return text.isBehind ? [end] : [{ type: "gap", ids: [id] }, end];
    return [{ ...end, output: text.told }];
  }

  #endRequests(
    outcome: PartOf<"request-end">["outcome"],
    applies: (key: string, toolId: string | undefined) => boolean,
  ): readonly PartBody[] {
    const ended: PartBody[] = [];
    for (const [key, request] of this.#requests) {
      if (!request.isOpen || !applies(key, request.toolId)) continue;
      request.isOpen = false;
      ended.push({ type: "request-end", key, outcome });
    }
    return ended;
  }

  /** A new message begins; one that was open and is not told again, was cut by a steer or taken back. */
  #leave(): readonly PartBody[] {
    return [...this.#leaveReasoning(), ...this.#leaveMessages(false)];
  }

  #leaveMessages(areCut: boolean): readonly PartBody[] {
    const parts: PartBody[] = [];
    for (const [id, { entry, text, isSteered }] of this.#messages) {
      if (entry.state !== "open" || text.isToldAgain) continue;
      this.#messages.delete(id);
      const { phase } = entry;
      if (areCut || isSteered) parts.push({ type: "message-end", id, phase, cut: true });
      else parts.push({ type: "message-reset", id });
    }
    return parts;
  }

  #leaveReasoning(): readonly PartBody[] {
    const open = [...this.#reasoning.values()].filter(({ entry }) => entry.open);
    return open.map((shown): PartBody => {
      shown.entry = { ...shown.entry, open: false };
      return { type: "reasoning-end", id: shown.entry.id };
    });
  }

  #close(status: PartEndStatus): readonly PartBody[] {
    const isCompleted = status === "completed";
    const running = [...this.#tools.values()].filter(({ entry }) => entry.status === "running");
    return [
      ...(this.#isRetrying ? [{ type: "retry-end" } as const] : []),
      ...this.#leaveMessages(!isCompleted),
      ...this.#leaveReasoning(),
      ...this.#endRequests(isCompleted ? "answered" : "over", () => true),
      ...running.map(({ entry: { id, tool } }): PartBody => {
        const goesOn = isCompleted && tool.kind === "command";
        return { type: "tool-end", id, tool, status: goesOn ? "background" : "interrupted" };
      }),
    ];
  }

  #note({ type, id }: PartOf<"user-message" | "compaction">): void {
    this.#items.set(`${type} ${id}`, true);
  }

  /** The user has said something: messages that are open, or these, were cut by that. */
  #steer(before?: ReadonlySet<ViewEntry>): void {
    for (const shown of this.#messages.values()) {
      if (!before || before.has(shown.entry)) shown.isSteered = true;
    }
  }
}

function isUnfinished(status: ToolStatus): boolean {
  return status === "interrupted" || status === "background";
}

function diffPart(diff: string): PartBody {
  return { type: "diff", diff };
}
