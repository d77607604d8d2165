import { onDeadline } from "../../async/deadline.js";
import { nothingToUndo, type Undo } from "../../async/undo.js";
import type { ToolContent, ToolContext, ToolOutput } from "../../index.js";
import type { ModelToolCall } from "./model-types.js";
import { textOfAnswer, type ToolAnswer } from "./tool-answer.js";

/** A call of one of the caller's tools that the turn waits for. */
interface OpenCall {
  readonly toolName: string;
  readonly input: unknown;
  readonly callId: string;
  isTold: boolean;
  resolve(output: ToolOutput): void;
  reject(reason: unknown): void;
}

/**
 * How long after a call others are awaited (ms). Calls that the model makes at once come one after the other, as it
 * writes them, and the server does not say which is the last. One that is late is told by the next step.
 */
const settleMs = 100;

/** The calls of the caller's tools that one turn has open. */
export class OpenCalls {
  readonly #calls = new Map<string, OpenCall>();
  readonly #onDue: () => void;
  #stopWaiting: Undo = nothingToUndo;
  #isDue = false;

  /** `onDue`: the calls that are new are all that there will be for now. */
  constructor(onDue: () => void) {
    this.#onDue = onDue;
  }

  get isDue(): boolean {
    return this.#isDue;
  }

  /** Carries out a call: waits for its answer, which comes with another call of the model. */
  add(toolName: string, input: unknown, { callId, signal }: ToolContext): Promise<ToolOutput> {
    return new Promise((resolve, reject) => {
      // Ids of the server are not unique across threads, and a browser that is shown this one may send any.
      const id = `call_${globalThis.crypto.randomUUID()}`;
      this.#calls.set(id, { toolName, input, callId, isTold: false, resolve, reject });
      const over = (): void => {
        this.#calls.delete(id);
        reject(signal.reason as Error);
      };
      signal.addEventListener("abort", over, { once: true });
      this.#wait();
    });
  }

  /** The calls that nobody was told of yet, which makes them told. */
  tell(): ModelToolCall[] {
    this.#isDue = false;
    const fresh = [...this.#calls].filter(([, { isTold }]) => !isTold);
    return fresh.map(([toolCallId, call]) => {
      call.isTold = true;
      const { toolName, input, callId } = call;
      const providerMetadata = { codex: { callId } };
      return {
        ...{ type: "tool-call", toolCallId, toolName, providerMetadata },
        input: JSON.stringify(input ?? {}),
      };
    });
  }

  has(toolCallId: string): boolean {
    return this.#calls.has(toolCallId);
  }

  /** Answers the calls that were told of; one without an answer has failed. */
  answer(answers: readonly ToolAnswer[]): void {
    const byId = new Map(answers.map((answer) => [answer.toolCallId, answer]));
    for (const [id, call] of this.#calls) {
      if (!call.isTold) continue;
      this.#calls.delete(id);
      const answer = byId.get(id);
      if (!answer) call.reject(new Error("It was given no result."));
      else if (answer.failed) call.reject(new Error(textOfAnswer(answer)));
      else call.resolve(answer.content.length === 0 ? "" : ([...answer.content] as ToolContent[]));
    }
  }

  /** Nobody will answer them. */
  end(): void {
    this.#stopWaiting();
    for (const call of this.#calls.values())
      call.reject(new Error("Nobody waits for it any more."));
    this.#calls.clear();
  }

  #wait(): void {
    this.#stopWaiting();
    this.#stopWaiting = onDeadline(settleMs, () => {
      this.#isDue = true;
      this.#onDue();
    });
  }
}
