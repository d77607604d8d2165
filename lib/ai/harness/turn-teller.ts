import type { PartOf, TurnPart } from "../../parts/turn-part.js";
import type { HarnessAsk, HarnessAsks } from "./harness-asks.js";
import { callOf, type HarnessParts, type HarnessToolCall } from "./harness-parts.js";
import type { HarnessStreamPart } from "./harness-types.js";

/** Says what a host is told of each part of a turn, and what it is asked. */
export class TurnTeller {
  readonly #asks: HarnessAsks;
  readonly #parts: HarnessParts;
  /** The calls of MCP tools that run; a request to allow one says nothing of its own. */
  readonly #mcpCalls = new Map<string, HarnessToolCall>();

  constructor(asks: HarnessAsks, parts: HarnessParts) {
    this.#asks = asks;
    this.#parts = parts;
  }

  /** Calls of the caller's tools, which the host is to carry out. */
  calls(calls: readonly HarnessAsk[]): HarnessStreamPart[] {
    const asks = calls.filter(({ id }) => this.#asks.isOpen(id));
    const before = this.#parts.callsInStep;
    return asks.flatMap((ask) => {
      const told = this.ask(ask);
      // The step may have ended with the first of them.
      const stepToolCallCount = (told.length > 1 ? 0 : before) + asks.length;
      return told.map((part) =>
        part.type === "tool-call" ? { ...part, stepToolCallCount } : part,
      );
    });
  }

  /** A request, unless it is decided without the host. */
  async request(part: PartOf<"request">): Promise<readonly HarnessStreamPart[]> {
    const ask = await this.#asks.requestOf(part, (id) => this.#mcpCalls.get(id));
    return ask ? this.ask(ask) : [];
  }

  /** What asks the host; a call that it was told already is not told again. */
  ask(ask: HarnessAsk): HarnessStreamPart[] {
    this.#asks.tell(ask);
    return ask.parts.flatMap((part) =>
      part.type === "tool-call" ? this.#parts.tellAsked(part) : [part],
    );
  }

  /** Any other part. */
  part(part: TurnPart): readonly HarnessStreamPart[] {
    switch (part.type) {
      case "request-end":
        this.#asks.over(part.key);
        return this.#asks.takeResults(this.#parts);
      case "tool-start":
        if (part.tool.kind === "mcp" && !part.origin) {
          this.#mcpCalls.set(part.id, callOf(part.id, part.tool));
        }
        return this.#parts.next(part);
      case "tool-end":
        return this.#end(part);
      default:
        return this.#parts.next(part);
    }
  }

  #end(part: TurnPart & PartOf<"tool-end">): readonly HarnessStreamPart[] {
    const call = this.#asks.callIn(part);
    if (call) {
      if (!this.#parts.hasCall(part.id)) return [];
      const { result, isError } = this.#asks.resultOf(part);
      return this.#parts.result(part.id, call.tool, result, isError ? { isError } : {});
    }
    this.#mcpCalls.delete(part.id);
    // Of a call that is refused before it begins, the server tells no end.
    const isDeclined = part.status === "background" && this.#asks.isRefused(part.id);
    return this.#parts.next(isDeclined ? { ...part, status: "declined" } : part);
  }
}
