import { once } from "node:events";
import { readFile, stat } from "node:fs/promises";
import { connect } from "node:net";
import path from "node:path";
import { settleWithin } from "../async/timers.js";
import { environmentVariable } from "../runtime/child-env.js";
import type { Finding } from "./finding.js";
import { joinProblems, type Problem } from "./join-problems.js";
import { isInNoProxy } from "./no-proxy.js";

const name = "network";
/** How long a proxy may take to accept a connection (ms). */
const proxyLimitMs = 5_000;

interface NetworkSurroundings {
  readonly env: NodeJS.ProcessEnv;
  /** Where the model is reached; undefined when that is built into the server. */
  readonly baseUrl: string | undefined;
}

/**
 * Whether the proxy and the certificates that the environment names can be used. Nothing is sent to the model,
 * and nothing but a connection is made to the proxy.
 */
export async function checkNetwork({ env, baseUrl }: NetworkSurroundings): Promise<Finding> {
  const read = (variable: string) =>
    (environmentVariable(env, variable, process.platform) ?? "").trim();
  const target = modelUrl(baseUrl);
  const proxy = target && proxyFor(target, read);
  const found = await Promise.all([
    target && proxy ? proxyProblem(target, proxy) : undefined,
    ...authorities.map((variable) => fileProblem(variable, read(variable))),
    ...directoriesIn(read("SSL_CERT_DIR")).map(directoryProblem),
  ]);
  const problems = [...found, nodeAlone(read)].filter((problem) => problem !== undefined);
  return joinProblems(name, problems, [describeProxy(proxy), describeAuthorities(read)].join(", "));
}

/**
 * The same for a server that runs already, perhaps elsewhere: its own proxy and certificates are set where
 * it runs.
 */
export async function checkNetworkOfClient(env: NodeJS.ProcessEnv): Promise<Finding> {
  const problem = await fileProblem(forNode, env[forNode] ?? "");
  const says = "the server's own proxy and certificates are set where it runs";
  return joinProblems(name, problem ? [problem] : [], says);
}

type Read = (variable: string) => string;

const forNode = "NODE_EXTRA_CA_CERTS";
/** The first that is set counts for the server. */
const forServer = ["CODEX_CA_CERTIFICATE", "SSL_CERT_FILE"] as const;
const authorities = [...forServer, forNode] as const;

/** The server's own place for models is only known to be reached over HTTPS. */
function modelUrl(baseUrl: string | undefined): URL | undefined {
  if (baseUrl === undefined) return new URL("https://api.openai.com/");
  return URL.canParse(baseUrl) ? new URL(baseUrl) : undefined;
}

interface Proxy {
  readonly variable: string;
  /** Undefined when the value is no address. */
  readonly url: URL | undefined;
}

function proxyFor(target: URL, read: Read): Proxy | undefined {
  const own = target.protocol === "http:" ? "http_proxy" : "https_proxy";
  const names = [own.toUpperCase(), own, "ALL_PROXY", "all_proxy"];
  const variable = names.find((each) => read(each) !== "");
  if (variable === undefined) return undefined;
  const noProxy = read("NO_PROXY") || read("no_proxy");
  if (isInNoProxy(target.hostname, noProxy)) return undefined;
  const value = read(variable);
  const address = value.includes("://") ? value : `http://${value}`;
  return { variable, url: URL.canParse(address) ? new URL(address) : undefined };
}

async function proxyProblem(target: URL, { variable, url }: Proxy): Promise<Problem | undefined> {
  const status = "failure";
  if (url === undefined || url.hostname === "") {
    const says = `${variable} is not the address of a proxy.`;
    return { status, says, cure: `Set ${variable} to an address such as http://host:8080.` };
  }
  if (isLoopback(target.hostname)) {
    const says = `The model is on this machine, and ${variable} leads to it over a proxy.`;
    return { status, says, cure: "Add 127.0.0.1,localhost to NO_PROXY." };
  }
  const failure = await tryProxy(url);
  if (failure === undefined) return undefined;
  const says = `The proxy ${url.hostname}:${portOf(url)} of ${variable} cannot be reached (${failure}).`;
  return { status, says, cure: `Correct ${variable}, or unset it if there is no proxy.` };
}

/** The code of the error; undefined when the proxy accepts connections. */
async function tryProxy(url: URL): Promise<string | undefined> {
  const host = url.hostname.replace(/^\[(.*)\]$/, "$1");
  const socket = connect({ host, port: portOf(url) });
  try {
    const outcome = await settleWithin(once(socket, "connect"), proxyLimitMs);
    return outcome === "timeout" ? `no answer within ${proxyLimitMs / 1_000} s` : undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? "no code";
  } finally {
    socket.on("error", () => undefined);
    socket.destroy();
  }
}

function portOf({ port, protocol }: URL): number {
  if (port !== "") return Number(port);
  if (protocol.startsWith("socks")) return 1_080;
  return protocol === "https:" ? 443 : 80;
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || hostname.startsWith("127.");
}

async function fileProblem(variable: string, file: string): Promise<Problem | undefined> {
  if (file === "") return undefined;
  const cure = `Have ${variable} name a file of certificates (PEM), or unset it.`;
  const status = "failure";
  try {
    const text = await readFile(file, "latin1");
    if (/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----/.test(text)) return undefined;
    return { status, says: `${variable} names ${file}, which has no certificate in it.`, cure };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return { status, says: `${variable} names ${file}, which cannot be read (${code}).`, cure };
  }
}

function directoriesIn(value: string): string[] {
  return value.split(path.delimiter).filter((directory) => directory !== "");
}

async function directoryProblem(directory: string): Promise<Problem | undefined> {
  const isThere = await stat(directory).then(
    (stats) => stats.isDirectory(),
    () => false,
  );
  if (isThere) return undefined;
  return {
    status: "failure",
    says: `SSL_CERT_DIR names ${directory}, which is not a directory.`,
    cure: "Have SSL_CERT_DIR name a directory of certificates, or unset it.",
  };
}

/** Who sets it for an authority of their own most often means the server, too, which is no Node.js program. */
function nodeAlone(read: Read): Problem | undefined {
  const isSet = (variable: string) => read(variable) !== "";
  if (!isSet(forNode) || [...forServer, "SSL_CERT_DIR"].some(isSet)) return undefined;
  return {
    status: "warning",
    says: `${forNode} counts for Node.js and not for the server, which connects to the model.`,
    cure: `Set CODEX_CA_CERTIFICATE, too, if the model is behind that authority.`,
  };
}

function describeProxy(proxy: Proxy | undefined): string {
  return proxy?.url
    ? `proxy ${proxy.url.hostname}:${portOf(proxy.url)} (${proxy.variable})`
    : "no proxy to the model";
}

function describeAuthorities(read: Read): string {
  const set = [...authorities, "SSL_CERT_DIR"].filter((variable) => read(variable) !== "");
  return set.length === 0 ? "certificates of the system" : `certificates of ${set.join(", ")}`;
}
