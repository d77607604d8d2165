import type {
  AskedRequest,
  PartOrigin,
  PartPhase,
  PlanStep,
  RequestOutcome,
  TokenCounts,
  ToolCall,
  ToolStatus,
  TurnProblem,
} from "./part-types.js";

/**
 * One step of a turn for a user interface, as plain JSON. `type` tells them apart; a newer version of this
 * library may send types that this one does not list, so keep a `default` branch.
 *
 * Parts with an `id` belong to one message, one piece of reasoning or one tool call, whose id is unique
 * within the turn (and its `origin`). Deltas add up: those since the last start make up the whole. Whatever
 * has started ends before `end`; a message that was reset does not. What starts once more under the same id
 * takes the place of what it was before.
 */
export type TurnPart = PartBody & {
  /** The sub-agent whose turn it is a part of; left out for the turn itself. */
  readonly origin?: PartOrigin;
};

export type PartBody =
  /** The server has accepted the turn. */
  | { readonly type: "start"; readonly threadId: string; readonly turnId: string }
  /** The user's message, as far as it is text. */
  | { readonly type: "user-message"; readonly id: string; readonly text: string }
  /** The assistant begins a message. `phase` is `null` while the model has not said what it is. */
  | { readonly type: "message-start"; readonly id: string; readonly phase: PartPhase | null }
  | { readonly type: "message-delta"; readonly id: string; readonly delta: string }
  /**
   * The message is taken back, as if it had never begun: the model broke off, and says it anew. Mostly that
   * is a message with another id; with the same one, it starts again.
   */
  | { readonly type: "message-reset"; readonly id: string }
  /** The message is whole, or was cut by a steer or by the end of the turn. */
  | {
      readonly type: "message-end";
      readonly id: string;
      readonly phase: PartPhase | null;
      readonly cut: boolean;
    }
  /** The model begins to think. */
  | { readonly type: "reasoning-start"; readonly id: string }
  /** A piece of its summary, or of its raw reasoning if that is let through. `section` counts from 0. */
  | {
      readonly type: "reasoning-delta";
      readonly id: string;
      readonly section: number;
      readonly delta: string;
      readonly raw?: true;
    }
  | { readonly type: "reasoning-end"; readonly id: string }
  /** A tool call begins, or is announced by a request about it that came first. */
  | { readonly type: "tool-start"; readonly id: string; readonly tool: ToolCall }
  /** The input of the call is known better, or has changed; it replaces what `tool-start` said. */
  | { readonly type: "tool-update"; readonly id: string; readonly tool: ToolCall }
  /** The call's output grows by this. */
  | { readonly type: "tool-output"; readonly id: string; readonly delta: string }
  /** A running call of an MCP tool says how far it is. */
  | { readonly type: "tool-progress"; readonly id: string; readonly message: string }
  /** The call is over. `tool` is the last word on its input. */
  | {
      readonly type: "tool-end";
      readonly id: string;
      readonly tool: ToolCall;
      readonly status: ToolStatus;
      /** The whole output, when the deltas before do not make it up; it replaces them. */
      readonly output?: string;
      /** The exit code of a command. */
      readonly exitCode?: number;
      /** Milliseconds. */
      readonly durationMs?: number;
      /** The words of the tool itself on why it failed. */
      readonly error?: string;
    }
  /** The agent asks a person: an approval or a question. `key` names it when it is answered. */
  | {
      readonly type: "request";
      readonly key: string;
      /** The tool call that it is about, which has started; left out when it is about none, or that is not known. */
      readonly toolId?: string;
      readonly request: AskedRequest;
    }
  /** The request needs no answer any more. */
  | { readonly type: "request-end"; readonly key: string; readonly outcome: RequestOutcome }
  /** The plan as a whole; it replaces the one before. */
  | {
      readonly type: "plan";
      readonly explanation: string | null;
      readonly steps: readonly PlanStep[];
    }
  /** The unified diff of all file changes of the turn so far; it replaces the one before. */
  | { readonly type: "diff"; readonly diff: string }
  /** Token counts of this turn so far, not of its last response alone. */
  | {
      readonly type: "usage";
      readonly turn: TokenCounts;
      /** Of the whole thread so far. */
      readonly thread: TokenCounts;
      /** The size of the model's context (tokens). */
      readonly contextWindow: number | null;
    }
  /** The server fails to reach the model, and tries again. */
  | {
      readonly type: "retry";
      /** The number of the next attempt; `null` when the server does not count them. */
      readonly attempt: number | null;
      readonly maxAttempts: number | null;
      /** The name of the last failure, as `TurnFailureReason` lists them. */
      readonly reason: string;
    }
  /** The model is heard again. */
  | { readonly type: "retry-end" }
  /** A warning of the server, in its own words. Left out unless `show.warnings`. */
  | { readonly type: "warning"; readonly message: string }
  /** The history was summarised to make room. */
  | { readonly type: "compaction"; readonly id: string }
  /**
   * The connection to the server was lost and restored. Text of these messages and calls is missing until
   * they end, which brings the whole.
   */
  | { readonly type: "gap"; readonly ids: readonly string[] }
  /** An item of a kind that this library does not know. */
  | { readonly type: "other"; readonly id: string; readonly item: string; readonly ended: boolean }
  /** The turn is over; without an `origin`, it is the last part. */
  | {
      readonly type: "end";
      /**
       * `"lost"`: nobody here knows how it ended, or whether it has: the connection or the server is gone, or
       * the reader was too slow; of a sub-agent, the turn that it worked for has ended first.
       */
      readonly status: PartEndStatus;
      /** The final answer; `null` when there is none. */
      readonly finalResponse: string | null;
      readonly usage: TokenCounts | null;
      readonly durationMs: number | null;
      /** Why the turn failed or was lost. */
      readonly error?: TurnProblem;
    };

export type PartEndStatus = "completed" | "interrupted" | "failed" | "lost";

/** The body of the parts of some types. */
export type PartOf<Type extends PartBody["type"]> = Extract<PartBody, { readonly type: Type }>;

/** The parts of a sub-agent's turn. */
export function withOrigin(origin: PartOrigin, parts: readonly PartBody[]): TurnPart[] {
  return parts.map((part) => ({ ...part, origin }));
}
