import { isDeepStrictEqual } from "node:util";
import { askedRequestOf } from "./asked-request.js";
import { textOf, type Fields } from "./loose-fields.js";
import type { Visibility } from "./part-options.js";
import type { RequestOutcome, ToolCall, ToolStatus } from "./part-types.js";
import { changesOf, commandOf, toolCallOf, toolOutcomeOf } from "./tool-call.js";
import type { PartBody } from "./turn-part.js";

interface OpenTool {
  tool: ToolCall;
  /** Whether the server has said that it began: an approval may come before that. */
  hasBegun: boolean;
  /** The output that was told; undefined when it has become more than is compared with. */
  told: string | undefined;
}

interface OpenRequest {
  readonly key: string;
  /** The id on the wire, by which the server says that the request is resolved. */
  readonly requestId: unknown;
  readonly toolId: string | undefined;
}

/** A request of the server as an event shows it. */
export interface RequestEvent {
  readonly method: string;
  readonly key: string;
  readonly requestId: unknown;
  readonly params: Fields;
}

/** The whole output of a command, as the server keeps it, is about as long (characters). */
const maxTold = 2_097_152;

/** The tool calls of one turn, and what a person is asked in it, as parts. */
export class ToolParts {
  readonly #visibility: Visibility;
  readonly #tools = new Map<string, OpenTool>();
  readonly #requests = new Map<string, OpenRequest>();
  /** Whether the beginnings of calls may have been missed. */
  #hasGap = false;

  constructor(visibility: Visibility) {
    this.#visibility = visibility;
  }

  /** Undefined for an item that is no tool call. */
  started(id: string, item: Fields): readonly PartBody[] | undefined {
    const tool = toolCallOf(item, this.#visibility);
    return tool && this.#begin(id, tool);
  }

  completed(id: string, item: Fields): readonly PartBody[] | undefined {
    const tool = toolCallOf(item, this.#visibility);
    if (!tool) return undefined;
    const begun = this.#tools.has(id) ? [] : this.#begin(id, tool);
    const { output, ...outcome } = toolOutcomeOf(item, this.#visibility);
    const told = this.#tools.get(id)?.told;
    // What was not streamed is told now; where the stream had holes, the whole replaces it.
    const goesOn = output !== undefined && told !== undefined && output.startsWith(told);
    const rest = goesOn ? this.output(id, output.slice(told.length)) : [];
    const whole = output === undefined || goesOn ? {} : { output };
    this.#tools.delete(id);
    return [
      ...begun,
      ...rest,
      ...this.#endRequests("over", (one) => one.toolId === id),
      { type: "tool-end", id, tool, ...outcome, ...whole },
    ];
  }

  /** A command prints something. */
  output(id: string, delta: string): readonly PartBody[] {
    const open = this.#tools.get(id);
    if (!open || delta === "") return [];
    open.hasBegun = true;
    if (open.told !== undefined) open.told += delta;
    if ((open.told?.length ?? 0) > maxTold) open.told = undefined;
    const isShown = open.tool.kind !== "command" || this.#visibility.show.commandOutput;
    return isShown ? [{ type: "tool-output", id, delta }] : [];
  }

  progress(id: string, message: string): readonly PartBody[] {
    const isShown = this.#tools.has(id) && this.#visibility.show.toolOutput;
    return isShown ? [{ type: "tool-progress", id, message }] : [];
  }

  /** A file change that is still being written has become more. */
  changed(id: string, changes: unknown): readonly PartBody[] {
    if (this.#tools.get(id)?.tool.kind !== "fileChange") return [];
    return this.#begin(id, { kind: "fileChange", changes: changesOf(changes, this.#visibility) });
  }

  asked({ method, key, requestId, params }: RequestEvent): readonly PartBody[] {
    const itemId = textOf(params["itemId"]) ?? textOf(params["callId"]);
    // No person is asked to carry out a call of the application's own function.
    if (method === "item/tool/call")
      return itemId === undefined ? [] : this.#called(itemId, params);
    const announced = itemId === undefined ? [] : this.#announce(itemId, method, params);
    const change = this.#tools.get(itemId ?? "")?.tool;
    const changes = change?.kind === "fileChange" ? change.changes : [];
    const request = askedRequestOf({ method, params }, changes, this.#visibility);
    const isKnown = itemId !== undefined && this.#tools.has(itemId);
    const toolId = isKnown ? itemId : this.#calledTool(request);
    this.#requests.set(key, { key, requestId, toolId });
    return [
      ...announced,
      { type: "request", key, ...(toolId === undefined ? {} : { toolId }), request },
    ];
  }

  resolved(requestId: unknown): readonly PartBody[] {
    return this.#endRequests("answered", (one) => one.requestId === requestId);
  }

  /** Events may have been missed. */
  missed(): void {
    this.#hasGap = true;
  }

  /** The turn is over. */
  end(status: ToolStatus): readonly PartBody[] {
    const requests = this.#endRequests("over", () => true);
    const tools = [...this.#tools].map(([id, open]): PartBody => ({
      type: "tool-end",
      id,
      tool: open.tool,
      status: this.#endOf(open, status),
    }));
    this.#tools.clear();
    return [...requests, ...tools];
  }

  /** How a call ended of which the server has not said so; `status` is that of commands which run. */
  #endOf({ tool, hasBegun }: OpenTool, status: ToolStatus): ToolStatus {
    if (status !== "background") return status;
    // A command that was refused before it began has no item.
    if (!hasBegun && !this.#hasGap) return "declined";
    // Only commands go on behind their turn.
    return tool.kind === "command" ? "background" : "interrupted";
  }

  /** A call that is known already is only told when it is another than was told. */
  #begin(id: string, tool: ToolCall, hasBegun = true): readonly PartBody[] {
    const open = this.#tools.get(id);
    if (!open) {
      this.#tools.set(id, { tool, told: "", hasBegun });
      return [{ type: "tool-start", id, tool }];
    }
    open.hasBegun ||= hasBegun;
    if (isDeepStrictEqual(open.tool, tool)) return [];
    open.tool = tool;
    return [{ type: "tool-update", id, tool }];
  }

  #called(id: string, params: Fields): readonly PartBody[] {
    const tool = toolCallOf({ ...params, type: "dynamicToolCall" }, this.#visibility);
    return tool && !this.#tools.has(id) ? this.#begin(id, tool) : [];
  }

  /** The call that an approval is about may begin behind it. */
  #announce(id: string, method: string, params: Fields): readonly PartBody[] {
    if (this.#tools.has(id)) return [];
    switch (method) {
      case "item/commandExecution/requestApproval":
        // One that names no command is about a host; its command has an item of its own.
        if (typeof params["command"] !== "string") return [];
        return this.#begin(id, commandOf(params, this.#visibility), false);
      case "item/fileChange/requestApproval":
        return this.#begin(id, { kind: "fileChange", changes: [] }, false);
      default:
        return [];
    }
  }

  /** The request to allow a call of an MCP tool does not name the call, which has begun. */
  #calledTool(request: ReturnType<typeof askedRequestOf>): string | undefined {
    if (request.kind !== "toolApproval") return undefined;
    const asked = new Set([...this.#requests.values()].map(({ toolId }) => toolId));
    const calls = [...this.#tools].filter(
      ([id, { tool }]) =>
        tool.kind === "mcp" &&
        tool.server === request.server &&
        (request.tool === null || tool.tool === request.tool) &&
        !asked.has(id),
    );
    return calls.length === 1 ? calls[0]?.[0] : undefined;
  }

  #endRequests(
    outcome: RequestOutcome,
    applies: (request: OpenRequest) => boolean,
  ): readonly PartBody[] {
    const ended = [...this.#requests.values()].filter(applies);
    for (const { key } of ended) this.#requests.delete(key);
    return ended.map(({ key }) => ({ type: "request-end", key, outcome }));
  }
}
