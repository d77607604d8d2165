import { OutputMismatchError } from "./output-errors.js";
import type { OutputFormat } from "../schema/output-format.js";
import type { TurnResult } from "../results/turn-result.js";

/**
 * What the answer of a completed turn says, as its `outputSchema` gives it back.
 *
 * @throws OutputMismatchError, or what the schema's own functions throw.
 */
export async function readOutput(format: OutputFormat, result: TurnResult): Promise<unknown> {
  if (result.finalResponse === null) throw new OutputMismatchError("noAnswer", result);
  const json = parse(result.finalResponse);
  if (json === undefined) throw new OutputMismatchError("notJson", result);
  const { value, issues } = { value: undefined, ...(await format.read(json)) };
  if (issues) throw new OutputMismatchError("invalid", result, issues);
  return value;
}

/** The error of `JSON.parse` would quote the text. */
function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
