import type { Tool, ToolContext, ToolOutput } from "../../index.js";
import type { ModelTool } from "./model-types.js";
import type { SteppedTurn } from "./stepped-turn.js";
import type { ToolAnswer } from "./tool-answer.js";

/** The turns of a provider that are not over. */
export class OpenTurns {
  readonly #turns = new Set<SteppedTurn>();

  add(turn: SteppedTurn): void {
    this.#turns.add(turn);
    void turn.ended.then(() => this.#turns.delete(turn));
  }

  /** The turn that waits for these results. */
  waitingFor(answers: readonly ToolAnswer[]): SteppedTurn | undefined {
    return [...this.#turns].find((turn) =>
      answers.some(({ toolCallId }) => turn.waitsFor(toolCallId)),
    );
  }

  /** Stops the turns of a thread that wait for results, which do not come: another turn is asked for. */
  stopWaiting(threadId: string): void {
    for (const turn of this.#turns) {
      if (turn.isWaiting && turn.turn.threadId === threadId) {
        turn.stop(new Error("The thread was given something else to do."));
      }
    }
  }

  /** The caller's tools, as a thread takes them: a call waits for its result, which comes with another call of the model. */
  toolsOf(tools: readonly ModelTool[]): Tool[] {
    return tools
      .filter(({ type }) => type === "function")
      .map(({ name, description = "", inputSchema }) => ({
        name,
        description,
        inputSchema: inputSchema as Tool["inputSchema"],
        execute: (input: unknown, context: ToolContext) => this.#call(name, input, context),
      }));
  }

  async #call(name: string, input: unknown, context: ToolContext): Promise<ToolOutput> {
    const { threadId, turnId } = context;
    const caller = [...this.#turns].find(
      ({ turn }) => turn.threadId === threadId && turn.id === turnId,
    );
    if (!caller) throw new Error("No call of the model is under way that could answer it.");
    return caller.call(name, input, context);
  }
}
