import type {
  ThreadItem,
  TokenUsageBreakdown,
  TurnStatus,
  UserInput,
} from "../../generated/types.js";
import { TracedOperation, type Operation } from "./operation.js";

/** What a turn was asked, and what it has said and done so far. */
export interface TurnContent {
  /** Undefined for a turn that was not begun with input from here. */
  readonly input: readonly UserInput[] | undefined;
  /** Its completed items, in the order in which they began. */
  readonly items: readonly ThreadItem[];
  /** Its answer; `null` while there is none. */
  readonly finalResponse: string | null;
}

/**
 * A turn that is followed here: by the handle of the call that began it, as a part of a goal, by
 * `unsolicitedTurns()`, or as a turn of a sub-agent. It begins with that call, before it waits for its
 * thread, and ends when the turn is over, or no longer followed.
 */
export interface TurnOperation extends Operation {
  readonly threadId: string;
  /** Undefined until the server has accepted the turn. */
  readonly turnId: string | undefined;
  /** The request that begins it, such as `"turn/start"`; undefined when the server has begun it by itself. */
  readonly method: string | undefined;
  /** 0 for a turn of its own, 1 for one of a sub-agent that it has started, 2 for theirs, and so on. */
  readonly depth: number;
  /** For a sub-agent's turn, the thread and the turn that it works for. */
  readonly parentThreadId: string | undefined;
  readonly parentTurnId: string | undefined;
  /** The operation of that turn; undefined when it had begun before anybody subscribed. */
  readonly parent: TurnOperation | undefined;
  /**
   * Whether another handle follows the same turn already, as with `whenBusy: "steer"`: then its items and its
   * tokens are counted there.
   */
  readonly joined: boolean;
  /** The model, as far as the options, the thread or the server tell. */
  readonly model: string | undefined;
  /** As the server tells it; `"inProgress"` until then. */
  readonly status: TurnStatus;
  /** The tokens that it has used itself, without its sub-agents; known at the end. */
  readonly usage: TokenUsageBreakdown | undefined;
  readonly content: TurnContent;
}

/** The turn that has started a sub-agent, or spoken to it last. */
export interface TurnCaller {
  readonly threadId: string;
  readonly turnId: string | undefined;
  readonly depth: number;
  /** Undefined when it is not shown: it had begun before anybody subscribed. */
  readonly operation: TracedTurn | undefined;
}

/** What is known of a turn when it begins. */
export interface TurnBeginning {
  readonly threadId: string;
  readonly method?: string | undefined;
  readonly model?: string | undefined;
  /** Of a sub-agent's turn, the turn that it works for. */
  readonly caller?: TurnCaller | undefined;
  readonly joined?: boolean;
  /** Called when somebody asks, and not before. */
  readonly content: () => TurnContent;
}

export class TracedTurn extends TracedOperation implements TurnOperation {
  readonly threadId: string;
  turnId: string | undefined = undefined;
  readonly method: string | undefined;
  readonly depth: number;
  readonly parentThreadId: string | undefined;
  readonly parentTurnId: string | undefined;
  joined: boolean;
  model: string | undefined;
  status: TurnStatus = "inProgress";
  usage: TokenUsageBreakdown | undefined = undefined;
  readonly #parent: TracedTurn | undefined;
  readonly #content: () => TurnContent;

  constructor({ threadId, method, model, caller, joined, content }: TurnBeginning) {
    super();
    this.threadId = threadId;
    this.method = method;
    this.depth = caller ? caller.depth + 1 : 0;
    this.parentThreadId = caller?.threadId;
    this.parentTurnId = caller?.turnId;
    this.joined = joined ?? false;
    this.model = model;
    this.#parent = caller?.operation;
    this.#content = content;
  }

  get parent(): TracedTurn | undefined {
    return this.#parent;
  }

  get content(): TurnContent {
    return this.#content();
  }
}
