import { isAppServerError } from "../../errors/base.js";
import type { Turn } from "../../index.js";
import type { PartOf } from "../../parts/turn-part.js";
import type { HarnessParts } from "./harness-parts.js";
import type { HarnessStreamPart } from "./harness-types.js";
import { saysNothing } from "./host-reading.js";

interface EndedTurn {
  readonly turn: Turn;
  readonly parts: HarnessParts;
  /** Whether the text is the answer as the schema has it. */
  readonly holdsText: boolean;
}

export interface TurnEnd {
  readonly parts: readonly HarnessStreamPart[];
  /** Why the turn failed. */
  readonly failure?: { readonly reason: unknown };
}

/** What is told of the end of a turn. */
export async function endOfTurn(
  { status, usage, finalResponse }: PartOf<"end">,
  { turn, parts: harnessParts, holdsText }: EndedTurn,
): Promise<TurnEnd> {
  let answer: unknown = finalResponse;
  try {
    answer = (await turn.run()).output ?? finalResponse;
  } catch (error) {
    // `ai` compares the answer with the schema itself, and has an error of its own.
    if (!isAppServerError(error) || error.code !== "OUTPUT_MISMATCH") {
      const parts = [...harnessParts.finish({ unified: "error", raw: status }), saysNothing()];
      return { parts, failure: { reason: error } };
    }
  }
  const isHeld = holdsText && answer !== null && answer !== undefined;
  const text = typeof answer === "string" ? answer : JSON.stringify(answer);
  const finishReason = { unified: status === "completed" ? "stop" : "other", raw: status } as const;
  const totalUsage = harnessParts.totalUsage(usage);
  const harnessMetadata = { codex: { threadId: turn.threadId, turnId: turn.id ?? null } };
  const parts = [
    ...(isHeld ? harnessParts.whole(text) : []),
    ...harnessParts.finish(finishReason),
    { type: "finish", finishReason, totalUsage, harnessMetadata } as const,
  ];
  return { parts };
}
