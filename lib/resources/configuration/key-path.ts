import { checkText, checkTextList } from "../../errors/check-values.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";

/**
 * The path of a setting: `"mcp_servers.docs.command"`, or its parts, `["mcp_servers", "my.server",
 * "command"]`, which need no quoting.
 */
export type KeyPath = string | readonly string[];

/** The server's notation, in which a backslash takes the character after it as it is. */
export function toKeyPath(path: KeyPath, argument = "keyPath"): string {
  if (typeof path === "string") {
    checkText(argument, path);
    return path;
  }
  if (path.length === 0) throw new InvalidArgumentError(argument, "must not be empty");
  checkTextList(argument, path);
  return path.map(quoted).join(".");
}

function quoted(part: string): string {
  return /^[A-Za-z0-9_-]+$/.test(part) ? part : `"${part.replace(/["\\]/g, "\\$&")}"`;
}
