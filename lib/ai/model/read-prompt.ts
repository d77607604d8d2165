import type { JsonValue } from "../../../generated/types.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import type { InputItem } from "../../index.js";
import { historyItems } from "./history-items.js";
import type { PromptMessage, PromptPart } from "./model-types.js";
import { readFile } from "./prompt-file.js";
import { readToolAnswer, textOfAnswer, type ToolAnswer } from "./tool-answer.js";

/** A prompt, as Codex takes it. */
export interface ReadPrompt {
  /** The system messages, in order; empty for none. */
  readonly instructions: string;
  /** For a thread that knows what was said before: the newest messages, all behind the last one of the assistant. */
  readonly newest: readonly InputItem[];
  /** For a thread that knows nothing: what was said before, as items of the Responses API. */
  readonly history: readonly JsonValue[];
  /** For such a thread: what the user says now. */
  readonly input: readonly InputItem[];
  /** The results of the caller's tools in the newest messages. */
  readonly answers: readonly ToolAnswer[];
  /** Whether the newest messages are nothing but such results. */
  readonly isAnswer: boolean;
}

/**
 * Reads the prompt of a call.
 *
 * @throws InvalidArgumentError for a file that the server does not take, or a prompt without a newest message.
 */
export function readPrompt(prompt: readonly PromptMessage[]): ReadPrompt {
  const first = prompt.findLastIndex(({ role }) => role === "assistant") + 1;
  const instructions = prompt.flatMap(({ role, content }) =>
    role === "system" && typeof content === "string" ? [content] : [],
  );
  const answers: ToolAnswer[] = [];
  const said: InputItem[] = [];
  for (const { role, part, where } of partsOf(prompt, first)) {
    if (role === "user") said.push(inputOf(part, where));
    else if (part.type === "tool-result") answers.push(readToolAnswer(part, where));
  }
  const isAnswer = said.length === 0;
  if (isAnswer && answers.length === 0) {
    throw new InvalidArgumentError(
      "prompt",
      "must end with a message of the user, or with the results of tools",
    );
  }
  return {
    instructions: instructions.join("\n\n"),
    newest: [...answers.map(told), ...said],
    history: historyItems(prompt.filter(({ role }, index) => index < first || role === "tool")),
    input: isAnswer ? [{ type: "text", text: "Go on with these results." }] : said,
    answers,
    isAnswer,
  };
}

function* partsOf(prompt: readonly PromptMessage[], from: number) {
  for (const [index, { role, content }] of prompt.entries()) {
    if (index < from || typeof content === "string") continue;
    for (const [place, part] of content.entries()) {
      yield { role, part, where: `prompt[${index}].content[${place}]` };
    }
  }
}

function inputOf(part: PromptPart, where: string): InputItem {
  if (part.type === "text") return { type: "text", text: String(part.text) };
  if (part.type !== "file") throw new InvalidArgumentError(where, "must be a text or a file");
  return readFile(part, where);
}

/** For a turn that asked for a result and is over: the model is told it in words. */
function told(answer: ToolAnswer): InputItem {
  const what = answer.failed ? "failed" : "gave this";
  return { type: "text", text: `The tool ${answer.toolName} ${what}:\n${textOfAnswer(answer)}` };
}
