import type { ThreadItem } from "../../generated/types.js";
import { TracedOperation, type Operation } from "./operation.js";
import type { TurnOperation, TracedTurn } from "./turn-operation.js";

/**
 * One thing that a turn produces: a message, a command, a call of a tool. It begins with `item/started` and
 * ends with `item/completed`, or with its turn.
 */
export interface ItemOperation extends Operation {
  readonly threadId: string;
  readonly turnId: string | undefined;
  readonly itemId: string;
  /** Such as `"agentMessage"` or `"commandExecution"`. */
  readonly type: string;
  /** The name of the tool, where the item is a call of one. */
  readonly tool: string | undefined;
  /** The MCP server of that tool. */
  readonly server: string | undefined;
  /** The item's own status, such as `"completed"`, `"failed"` or `"declined"`, where it has one. */
  readonly status: string | undefined;
  /** Of a command that has ended. */
  readonly exitCode: number | undefined;
  /** Whether it completed before its turn was over. */
  readonly completed: boolean;
  /** Its turn. */
  readonly turn: TurnOperation;
  /** The item as it is now. */
  readonly content: ThreadItem;
}

export class TracedItem extends TracedOperation implements ItemOperation {
  readonly threadId: string;
  readonly turnId: string | undefined;
  readonly itemId: string;
  readonly type: string;
  readonly tool: string | undefined;
  readonly server: string | undefined;
  status: string | undefined;
  exitCode: number | undefined = undefined;
  completed = false;
  readonly #turn: TracedTurn;
  #item: ThreadItem;

  constructor(turn: TracedTurn, item: ThreadItem) {
    super();
    this.threadId = turn.threadId;
    this.turnId = turn.turnId;
    this.itemId = item.id;
    this.type = item.type;
    this.tool = field(item, "tool", isText);
    this.server = field(item, "server", isText);
    this.status = field(item, "status", isText);
    this.#turn = turn;
    this.#item = item;
  }

  get turn(): TracedTurn {
    return this.#turn;
  }

  get content(): ThreadItem {
    return this.#item;
  }

  complete(item: ThreadItem): void {
    this.#item = item;
    this.completed = true;
    this.status = field(item, "status", isText) ?? this.status;
    this.exitCode = field(item, "exitCode", isNumber);
  }
}

/** What a server sends need not be what the type says. */
function field<Value>(
  item: ThreadItem,
  name: string,
  fits: (value: unknown) => value is Value,
): Value | undefined {
  const value: unknown = Reflect.get(item, name);
  return fits(value) ? value : undefined;
}

function isText(value: unknown): value is string {
  return typeof value === "string";
}

function isNumber(value: unknown): value is number {
  return typeof value === "number";
}
