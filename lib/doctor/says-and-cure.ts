import { stripVTControlCharacters } from "node:util";
import { firstWords } from "./first-words.js";

const maxStderrCharacters = 200;

/**
 * Splits the message of an error of this library, which says what is wrong and then what to do, into the
 * two. What the process wrote to stderr is left out but for the last line.
 */
export function saysAndCure(message: string, otherwise: string): { says: string; cure: string } {
  const [own = "", stderr = ""] = message.split("\nThe process wrote to stderr:\n", 2);
  const text = own.replaceAll(/\s*\n\s*/g, " ");
  const end = /\.(?= [A-Z])/.exec(text)?.index;
  const says = end === undefined ? text : text.slice(0, end + 1);
  const cure = end === undefined ? otherwise : text.slice(end + 2);
  return { says: withStderr(says, stderr), cure };
}

function withStderr(says: string, stderr: string): string {
  const lines = stripVTControlCharacters(stderr).split("\n");
  const last = lines.findLast((line) => line.trim() !== "")?.trim() ?? "";
  return last === ""
    ? says
    : `${says} Its last line on stderr: ${firstWords(last, maxStderrCharacters)}`;
}
