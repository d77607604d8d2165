import type { ToolCall } from "../../parts/part-types.js";
import type { PartOf, TurnPart } from "../../parts/turn-part.js";
import { unwrapCall } from "./added-tool.js";
import type { HarnessAsk, HarnessAsks } from "./harness-asks.js";
import { callOf, type HarnessParts, type HarnessToolCall } from "./harness-parts.js";
import type { HarnessStreamPart } from "./harness-types.js";
import type { ToldParts } from "./told-parts.js";

interface TurnTellerOptions {
  readonly asks: HarnessAsks;
  readonly parts: HarnessParts;
  readonly told: ToldParts;
  readonly isCallersTool: (name: string) => boolean;
}

/** Says what a host is told of each part of a turn, and what it is asked. */
export class TurnTeller {
  readonly #options: TurnTellerOptions;
  /** The calls of MCP tools that run; a request to allow one says nothing of its own. */
  readonly #mcpCalls = new Map<string, HarnessToolCall>();

  constructor(options: TurnTellerOptions) {
    this.#options = options;
  }

  /** What a call of one of the caller's tools asks, which waits for those that come with it. */
  askOf(part: TurnPart): HarnessAsk | "answered" | undefined {
    if (part.type !== "tool-start" || part.origin) return undefined;
    const call = this.#callersCall(part.tool);
    return call && (this.#options.asks.callOf(part.id, call.tool, call.input) ?? "answered");
  }

  /** Calls of the caller's tools, which the host is to carry out. */
  calls(calls: readonly HarnessAsk[]): HarnessStreamPart[] {
    const asks = calls.filter(({ id }) => this.#options.asks.isOpen(id));
    const before = this.#options.parts.callsInStep;
    return asks.flatMap((ask) => {
      const [call] = ask.parts;
      if (call?.type !== "tool-call") return [];
      const told = this.#options.parts.tellAsked(call);
      // The step may have ended with the first of them.
      const stepToolCallCount = (told.length > 1 ? 0 : before) + asks.length;
      this.#options.asks.tell(ask);
      return told.map((part) =>
        part.type === "tool-call" ? { ...part, stepToolCallCount } : part,
      );
    });
  }

  /** Any other part. */
  part(part: TurnPart): readonly HarnessStreamPart[] {
    if (part.type === "request-end") {
      this.#options.asks.over(part.key);
      return this.#options.asks.takeResults(this.#options.parts);
    }
    const callers =
      part.type === "tool-end" && !part.origin ? this.#callersCall(part.tool) : undefined;
    if (part.type === "tool-end" && callers) {
      if (!this.#options.told.hasCall(part.id)) return [];
      const { result, isError } = this.#options.asks.resultOf(part);
      return this.#options.parts.result(part.id, callers.tool, result, isError ? { isError } : {});
    }
    if (part.type === "tool-start" && part.tool.kind === "mcp" && !part.origin) {
      this.#mcpCalls.set(part.id, callOf(part.id, part.tool));
    }
    if (part.type !== "tool-end") return this.#options.parts.next(part);
    this.#mcpCalls.delete(part.id);
    // Of a call that is refused before it begins, the server tells no end.
    const isDeclined = part.status === "background" && this.#options.asks.isRefused(part.id);
    return this.#options.parts.next(isDeclined ? { ...part, status: "declined" } : part);
  }

  /** A request, unless it is decided without the host. */
  async request(part: TurnPart & PartOf<"request">): Promise<readonly HarnessStreamPart[]> {
    const ask = await this.#options.asks.requestOf(part, (id) => this.#mcpCalls.get(id));
    if (!ask) return [];
    this.#options.asks.tell(ask);
    return ask.parts.flatMap((each) =>
      each.type === "tool-call" ? this.#options.parts.tellAsked(each) : [each],
    );
  }

  /** A call of one of the caller's tools, whichever way the model has made it. */
  #callersCall(tool: ToolCall): ReturnType<typeof unwrapCall> | undefined {
    if (tool.kind !== "function") return undefined;
    const call = unwrapCall(tool.tool, tool.arguments);
    return this.#options.isCallersTool(call.tool) ? call : undefined;
  }
}
