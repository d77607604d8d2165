import type { IncomingMessage } from "node:http";
import { isError } from "../async/realms.js";
import { settleWithin } from "../async/timers.js";
import { ConnectError } from "../errors/connect-errors.js";

/**
 * Tells why no connection was made, and what to do.
 *
 * @param hint another sentence for when nobody was reached.
 */
export function explainConnectFailure(address: string, error: unknown, hint = ""): ConnectError {
  const code = codeOf(error);
  const [problem, retryable] = byCode[code] ?? explainOther(code, error);
  const more = notReached.test(code) ? hint : "";
  return new ConnectError(address, `${problem}${more}`, { retryable }, { cause: error });
}

const notReached = /^(?:ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOST|ENET)/;

/** The error for an HTTP answer that does not upgrade the connection. */
export async function explainRefusal(
  address: string,
  response: IncomingMessage,
  token: string | undefined,
): Promise<ConnectError> {
  const statusCode = response.statusCode ?? 0;
  const said = await readReason(response);
  // A server, or a proxy that echoes the request, must not carry the token into a log.
  const reason = token === undefined ? said : said.replaceAll(token, "…");
  const quoted = reason === "" ? "" : ` (${reason})`;
  const problem = `the answer was HTTP ${statusCode}${quoted}. ${advise(statusCode, token)}`;
  // Some proxies answer 404 while what is behind them is being restarted.
  const retryable = statusCode >= 500 || [404, 408, 425, 429].includes(statusCode);
  return new ConnectError(address, problem, { statusCode, retryable });
}

function advise(statusCode: number, token: string | undefined): string {
  if (statusCode === 401) {
    return token === undefined
      ? "The server wants a bearer token: set token."
      : "The server does not accept this token: check that it is the right one and has not expired.";
  }
  if (statusCode === 403) {
    return "An app-server refuses only requests with an Origin header, and this client sends none: look at the proxy in between.";
  }
  if (statusCode === 407) return proxyWantsUser;
  if (statusCode >= 300 && statusCode < 400) {
    return "Redirects are not followed: give the address that it leads to.";
  }
  if (statusCode >= 500) return "The server, or a proxy before it, is not ready: try again later.";
  return "This may not be a codex app-server, or not the path of its WebSocket: check the address.";
}

const proxyWantsUser =
  "The proxy wants a user and a password: give them to the agent, most often in the proxy's URL.";

const deniedSocket =
  "access is denied, since the socket belongs to the user who runs the app-server. Connect as that user.";

const noTls = "the other side does not speak TLS: is it ws:// rather than wss://?";

const byCode: Readonly<Record<string, readonly [problem: string, retryable: boolean]>> = {
  ECONNREFUSED: ["nobody listens there. Is the app-server running?", true],
  ENOENT: ["there is no such socket. Is the app-server running?", true],
  ENOTFOUND: ["the host name is not known. Check the address.", true],
  EAI_AGAIN: ["the host name could not be looked up. Check the network, and try again.", true],
  ECONNRESET: ["the connection was cut before it was ready. Try again.", true],
  EPIPE: ["the connection was cut before it was ready. Try again.", true],
  ETIMEDOUT: ["there was no answer. Check the address, and firewalls on the way.", true],
  EHOSTUNREACH: ["the host cannot be reached. Check the address and the network.", true],
  ENETUNREACH: ["the network cannot be reached. Check the connection of this machine.", true],
  EACCES: [deniedSocket, false],
  EPERM: [deniedSocket, false],
  EMFILE: ["too many files are open (EMFILE). Close some, or raise the limit (ulimit -n).", true],
  ENOTSOCK: ["this is not a socket. Name the one that the app-server listens on.", false],
  ENOTDIR: ["there is no such path. Check the address.", false],
  EPROTO: [noTls, false],
  ERR_SSL_WRONG_VERSION_NUMBER: [noTls, false],
};

function explainOther(code: string, error: unknown): readonly [string, boolean] {
  if (code === "ERR_PROXY_TUNNEL") return explainTunnel(error as Error);
  if (/CERT|SIGNATURE|ISSUER|ERR_TLS|^ERR_SSL/.test(code)) {
    return [
      `the certificate was not accepted (${code}). Set tls.ca for an authority of your own.`,
      false,
    ];
  }
  if (code !== "" && !code.startsWith("HPE_")) return [`${code}.`, true];
  // The words of ws on an answer that is no upgrade hold nothing of the answer itself.
  const what = isError(error) && code === "" ? ` (${error.message})` : "";
  return [
    `the other side does not speak WebSocket${what}. Check that the address is that of an app-server.`,
    false,
  ];
}

/** The agents of Node.js put the answer of their proxy into words, with its address. */
function explainTunnel({ message }: Error): readonly [string, boolean] {
  const statusCode = Number(/HTTP\/[\d.]+ (\d{3})/.exec(message)?.[1] ?? 0);
  if (statusCode === 407) return [`the proxy's answer was HTTP 407. ${proxyWantsUser}`, false];
  const answer = statusCode === 0 ? "" : ` (HTTP ${statusCode})`;
  return [
    `the proxy did not let the connection through${answer}. Look at its rules, or go through another one.`,
    statusCode >= 500,
  ];
}

function codeOf(error: unknown): string {
  const code: unknown = (error as NodeJS.ErrnoException | undefined)?.code;
  return typeof code === "string" ? code : "";
}

/** The first words of a plain text answer; what is longer is a page for people. */
async function readReason(response: IncomingMessage): Promise<string> {
  let text = "";
  const read = async () => {
    for await (const chunk of response.setEncoding("utf8") as AsyncIterable<string>) {
      text += chunk;
      if (text.length > maxReasonCharacters) break;
    }
  };
  await settleWithin(
    read().catch(() => undefined),
    reasonTimeoutMs,
  );
  response.destroy();
  const reason = text.trim();
  const readable = /^[\x20-\x7e]*$/.test(reason) && !reason.startsWith("<");
  return readable && reason.length <= maxReasonCharacters ? reason : "";
}

const maxReasonCharacters = 200;
const reasonTimeoutMs = 1_000;
