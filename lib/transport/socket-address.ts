import { homedir } from "node:os";
import path from "node:path";
import { URL } from "node:url";
import { InvalidArgumentError } from "../errors/invalid-argument-error.js";

/** The address of a server. */
export interface SocketAddress {
  /** The URL of the HTTP upgrade. */
  readonly url: string;
  /** The unix socket that the request goes to instead of the host in `url`. */
  readonly socketPath: string | undefined;
  /** For messages: without the query, which may hold a secret. */
  readonly shown: string;
}

const forms = "must be ws://host:port, wss://host:port or unix:///absolute/path";

/** @throws InvalidArgumentError, which never quotes the URL. */
export function parseSocketAddress(url: unknown, allowPlaintext = false): SocketAddress {
  if (typeof url !== "string") refuse(forms);
  if (url.startsWith("unix://")) return unixAddress(url.slice("unix://".length));
  const parsed = parse(url);
  if (parsed.username !== "" || parsed.password !== "") {
    refuse("must not contain a user or a password; use token");
  }
  if (parsed.hash !== "") refuse("must not contain a fragment (#)");
  if (parsed.protocol === "ws:" && !allowPlaintext && !isLoopback(parsed.hostname)) {
    refuse(
      "must be wss:// for another machine, since ws:// is readable on the way; allowPlaintext: true permits it",
    );
  }
  const shown = `${parsed.protocol}//${parsed.host}${parsed.pathname}`;
  return { url: parsed.href, socketPath: undefined, shown };
}

function parse(url: string): URL {
  if (!/^wss?:\/\//i.test(url)) refuse(forms);
  try {
    return new URL(url);
  } catch {
    // The error of URL quotes what it was given.
    return refuse(forms);
  }
}

function refuse(problem: string): never {
  throw new InvalidArgumentError("url", problem);
}

/** The path stands as it is: nothing in it is decoded, as on the server's command line. */
function unixAddress(given: string): SocketAddress {
  const socketPath = given === "" ? defaultSocketPath() : given;
  if (!path.isAbsolute(socketPath)) refuse("must have an absolute path: unix:///absolute/path");
  if (socketPath.includes("\0")) refuse(forms);
  return { url: "ws://localhost/", socketPath, shown: `unix://${socketPath}` };
}

/** The socket on which `codex app-server --listen unix://` listens. */
function defaultSocketPath(): string {
  const set = process.env["CODEX_HOME"];
  const home = set === undefined || set === "" ? path.join(homedir(), ".codex") : set;
  return path.resolve(home, "app-server-control", "app-server-control.sock");
}

/** `URL` has already written every form of an address in one way. */
function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d+){3}$/.test(hostname);
}
