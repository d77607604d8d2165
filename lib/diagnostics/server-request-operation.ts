import { TracedOperation, type Operation } from "./operation.js";
import type { TurnOperation, TracedTurn } from "./turn-operation.js";

/** What the server asks, and the answer that it got. */
export interface ServerRequestContent {
  readonly params: unknown;
  /** The result on the wire; undefined while there is none, and when the answer is an error. */
  readonly answer: unknown;
}

/**
 * One request of the server, such as an approval, from its arrival to its answer, or to the end of its use.
 * Its handler runs in the stores that are bound to `start`.
 */
export interface ServerRequestOperation extends Operation {
  /** The method of the protocol, such as `"item/commandExecution/requestApproval"`. */
  readonly method: string;
  /** As in `pendingRequests()`: no other request has it. */
  readonly key: string;
  /** Its id on the wire. */
  readonly requestId: string | number;
  readonly threadId: string | undefined;
  readonly turnId: string | undefined;
  readonly itemId: string | undefined;
  /**
   * `"answered"`: by a handler or by `respond()`; `"refused"`: nobody handles it, its handler failed, or its
   * turn is being stopped; `"over"`: nobody waits for an answer any more. Undefined until then.
   */
  readonly outcome: "answered" | "refused" | "over" | undefined;
  /**
   * What an approval decides: `"accept"`, `"decline"` and so on, or the name of a decision that has details.
   * Of MCP servers' questions, their `action`. Undefined for other requests.
   */
  readonly decision: string | undefined;
  /** How long the answer took, from the arrival (ms); undefined until then. */
  readonly waitedMs: number | undefined;
  /** The turn that asks, when it is followed here. */
  readonly turn: TurnOperation | undefined;
  readonly content: ServerRequestContent;
}

/** What is known of a request when it arrives. */
export type ServerRequestSubject = Pick<
  ServerRequestOperation,
  "method" | "key" | "requestId" | "threadId" | "turnId" | "itemId"
> & { readonly params: unknown; readonly receivedAt: Date };

export class TracedServerRequest extends TracedOperation implements ServerRequestOperation {
  readonly method: string;
  readonly key: string;
  readonly requestId: string | number;
  readonly threadId: string | undefined;
  readonly turnId: string | undefined;
  readonly itemId: string | undefined;
  outcome: "answered" | "refused" | "over" | undefined = undefined;
  decision: string | undefined = undefined;
  waitedMs: number | undefined = undefined;
  readonly #params: unknown;
  readonly #turn: TracedTurn | undefined;
  #answer: () => unknown = () => undefined;

  constructor(subject: ServerRequestSubject, turn: TracedTurn | undefined) {
    super(subject.receivedAt.getTime());
    this.method = subject.method;
    this.key = subject.key;
    this.requestId = subject.requestId;
    this.threadId = subject.threadId;
    this.turnId = subject.turnId;
    this.itemId = subject.itemId;
    this.#params = subject.params;
    this.#turn = turn;
  }

  get turn(): TracedTurn | undefined {
    return this.#turn;
  }

  get content(): ServerRequestContent {
    return { params: this.#params, answer: this.#answer() };
  }

  /** `answer` gives the result on the wire; of a tool call, which may be long, only to whoever asks for it. */
  settled(outcome: "answered" | "refused" | "over", answer: () => unknown): void {
    this.outcome = outcome;
    this.waitedMs = Date.now() - this.startedAtMs;
    this.#answer = answer;
    if (this.method !== "item/tool/call") this.decision = decisionIn(answer());
  }
}

/** A decision with details, such as which commands it allows, shows its name only. */
function decisionIn(answer: unknown): string | undefined {
  if (typeof answer !== "object" || answer === null) return undefined;
  const { decision, action, permissions, scope } = answer as Readonly<Record<string, unknown>>;
  if (typeof permissions === "object" && permissions !== null) {
    if (Object.keys(permissions).length === 0) return "decline";
    return scope === "session" ? "acceptForSession" : "accept";
  }
  if (typeof decision === "string") return decision;
  if (typeof decision === "object" && decision !== null) return Object.keys(decision)[0];
  return typeof action === "string" ? action : undefined;
}
