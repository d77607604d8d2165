import { checkText } from "../../errors/check-values.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";

/**
 * The path of a setting: `"mcp_servers.docs.command"`, or its parts, `["mcp_servers", "my.server",
 * "command"]`, which need no quoting.
 */
export type KeyPath = string | readonly string[];

/** The server's notation, in which a backslash takes the character after it as it is. */
export function toKeyPath(path: KeyPath, argument = "keyPath"): string {
  if (typeof path === "string") return checked(path, argument);
  if (path.length === 0) throw new InvalidArgumentError(argument, "must not be empty");
  return path.map((part, index) => quoted(checked(part, `${argument}[${index}]`))).join(".");
}

function quoted(part: string): string {
  return /^[A-Za-z0-9_-]+$/.test(part) ? part : `"${part.replace(/["\\]/g, "\\$&")}"`;
}

function checked(part: string, argument: string): string {
  checkText(argument, part);
  return part;
}
