import { plainWords } from "../errors/without-values.js";
import { isAppServerError, type protocol } from "../index.js";
import type { Finding } from "./finding.js";
import { firstWords } from "./first-words.js";

const name = "configuration";
type Warning = protocol.ConfigWarningNotification;

/**
 * Whether threads can be started with the configuration. A server whose configuration cannot be read starts
 * all the same, and refuses every thread.
 *
 * @param start of a thread.
 * @param warnings that the server has sent by then (`configWarning`).
 */
export async function checkConfiguration(
  start: Promise<unknown>,
  warnings: readonly Warning[],
): Promise<Finding> {
  try {
    await start;
  } catch (error) {
    if (!isAppServerError(error)) throw error;
    const place = warnings.map(placeOf).find((found) => found !== undefined);
    return {
      name,
      status: "failure",
      says: `No thread can be started: ${plainWords(error.message)}`,
      cure: place ? `Correct ${place}.` : "Correct config.toml in the directory of the server.",
    };
  }
  if (warnings.length === 0) return { name, status: "ok", says: "threads can be started" };
  const said = warnings.map(({ summary }) => oneLine(summary)).join(" ");
  return {
    name,
    status: "warning",
    says: `Threads can be started, and the server remarks: ${said}`,
    cure: "Do what the server says, unless it is meant so.",
  };
}

/** The text itself may be quoted by the details; so where it is must do. */
function placeOf({ path, range }: Warning): string | undefined {
  if (typeof path !== "string") return undefined;
  return range ? `${path}, line ${range.start.line}` : path;
}

const maxCharacters = 300;

function oneLine(summary: string): string {
  return firstWords(summary.replaceAll(/\s+/g, " ").trim(), maxCharacters);
}
