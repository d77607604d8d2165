import type { Runtime } from "../runtime/find-runtime.js";

/**
 * What to do to log in to the runtime that was found.
 *
 * @param runtime undefined for a server that runs already, perhaps elsewhere.
 * @param codexHome the directory that the server is told to use.
 */
export function howToLogIn(runtime: Runtime | undefined, codexHome: string | undefined): string {
  if (runtime === undefined) return "Run where the server runs, as its user: codex login";
  const program = runtime.source === "npm" ? "npx @openai/codex" : quoted(runtime.command);
  const home = codexHome === undefined ? "" : `, with CODEX_HOME=${quoted(codexHome)}`;
  return `Run: ${program} login${home}`;
}

function quoted(text: string): string {
  return /[\s"'$&;|<>()]/.test(text) ? JSON.stringify(text) : text;
}
