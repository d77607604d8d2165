import { findRuntime, type Runtime } from "../runtime/find-runtime.js";
import { ignoreRejection } from "../async/deferred.js";
import { Codex, type McpStartup, type protocol } from "../index.js";
import { checkConfiguration } from "./check-configuration.js";
import { checkHome } from "./check-home.js";
import { checkLogin } from "./check-login.js";
import { checkMcpServers, lateMcpServers } from "./check-mcp-servers.js";
import { checkNetwork, checkNetworkOfClient } from "./check-network.js";
import { checkNode } from "./check-node.js";
import { checkPackages } from "./check-packages.js";
import { checkRuntime } from "./check-runtime.js";
import { checkSandbox } from "./check-sandbox.js";
import { checkServer } from "./check-server.js";
import type { Finding } from "./finding.js";
import { howToLogIn } from "./how-to-log-in.js";
import { ownPackage } from "./own-package.js";
import { readSettings } from "./read-settings.js";
import { TimeLimit } from "./time-limit.js";
import { withoutSecrets } from "./without-secrets.js";

/** What to examine: the options that a `Codex` would get, and how long it may take. */
export interface DiagnoseOptions {
  readonly codexPath?: string | undefined;
  readonly codexHome?: string | undefined;
  readonly cwd?: string | undefined;
  /** A server that runs already. The options above are for one that is started, and not taken with it. */
  readonly url?: string | undefined;
  readonly token?: string | undefined;
  /** How long all checks together may take (ms). The end of the server comes after it. */
  readonly timeoutMs: number;
  /** Ends the examination. */
  readonly signal: AbortSignal;
}

/** A server that takes longer to start than this is of no use to a client with default options (ms). */
const startLimitMs = 30_000;

/**
 * Examines what a `Codex` with these options needs, and gives one finding after the other. The server that it
 * starts has ended when the iteration has.
 *
 * @throws InvalidArgumentError for options that a `Codex` does not take, and the signal's reason.
 */
export async function* diagnose(options: DiagnoseOptions): AsyncGenerator<Finding, void> {
  const clean = withoutSecrets({ ...process.env, GIVEN_TOKEN: options.token });
  const limit = new TimeLimit(options.timeoutMs, options.signal);
  const codex = new Codex(codexOptions(options, limit));
  try {
    const examination = new Examination(codex, options, limit);
    for await (const finding of examination.findings()) {
      const { cure } = finding;
      const shown = { ...finding, says: clean(finding.says) };
      yield cure === undefined ? shown : { ...shown, cure: clean(cure) };
    }
  } finally {
    await codex.close();
  }
}

function codexOptions(options: DiagnoseOptions, { remainingMs }: TimeLimit) {
  const { codexPath, codexHome, cwd, url, token, signal } = options;
  const common = {
    signal,
    restart: false,
    startTimeoutMs: Math.min(remainingMs, startLimitMs),
    requestTimeoutMs: remainingMs,
  };
  return url === undefined
    ? { ...common, codexPath, codexHome, cwd }
    : { ...common, url, token, reconnect: false };
}

/** The checks, in the order in which one needs what the other has found. */
class Examination {
  readonly #codex: Codex;
  readonly #options: DiagnoseOptions;
  readonly #limit: TimeLimit;
  readonly #warnings: protocol.ConfigWarningNotification[] = [];
  readonly #startups: McpStartup[] = [];

  constructor(codex: Codex, options: DiagnoseOptions, limit: TimeLimit) {
    this.#codex = codex;
    this.#options = options;
    this.#limit = limit;
    codex.on("configWarning", ({ params }) => this.#warnings.push(params));
    codex.on("mcpServer/startupStatus/updated", ({ params }) => this.#startups.push(params));
  }

  async *findings(): AsyncGenerator<Finding, void> {
    const { url } = this.#options;
    const own = await ownPackage();
    yield checkNode(own.node);
    const search = url === undefined ? ignoreRejection(this.#findRuntime()) : undefined;
    const runtime = await search?.catch(() => undefined);
    const needed = url !== undefined ? ["ws"] : runtime?.source === "npm" ? ["@openai/codex"] : [];
    yield this.#limit.bound("packages", () =>
      checkPackages({ own, project: process.cwd(), needed }),
    );
    const isPlaceFine = search === undefined ? yield* elsewhere() : yield* this.#place(search);
    if (!isPlaceFine) return yield* skipped("the server cannot be started", fromServerOn);
    const server = await this.#limit.bound("server", () => checkServer(this.#codex.client()));
    yield server;
    if (server.status === "failure") return yield* skipped("there is no server", fromThreadOn);
    yield* this.#insideServer(runtime);
  }

  #findRuntime(): Promise<Runtime> {
    const { codexPath } = this.#options;
    return findRuntime({ codexPath, env: process.env });
  }

  async *#place(search: Promise<Runtime>): AsyncGenerator<Finding, boolean> {
    const runtime = await this.#limit.bound("runtime", () => checkRuntime(search));
    yield runtime;
    const home = await this.#limit.bound("home", () => checkHome(this.#options));
    yield home;
    return runtime.status !== "failure" && home.status !== "failure";
  }

  async *#insideServer(runtime: Runtime | undefined): AsyncGenerator<Finding, void> {
    const codex = this.#codex;
    // It is stored nowhere, and its directory is not marked as trusted.
    const start = ignoreRejection(codex.startThread({ ephemeral: true }));
    const configuration = await this.#limit.bound("configuration", () =>
      checkConfiguration(start, this.#warnings),
    );
    yield configuration;
    if (configuration.status === "failure") {
      return yield* skipped("the configuration cannot be used", afterConfiguration);
    }
    const { codexHome, url } = this.#options;
    const env = url === undefined ? process.env : undefined;
    const reading = ignoreRejection(readSettings(codex));
    const login = { env, howToLogIn: howToLogIn(runtime, codexHome) };
    const checks = [
      this.#limit.bound("login", async () =>
        checkLogin(codex, { ...login, settings: await reading }),
      ),
      this.#limit.bound("sandbox", async () =>
        checkSandbox(codex, await reading, this.#limit.remainingMs),
      ),
      this.#limit.bound(
        "mcp",
        async () => checkMcpServers(codex, (await start).id, this.#options.signal),
        () => lateMcpServers(this.#startups, this.#limit.text),
      ),
      this.#limit.bound("network", async () =>
        env
          ? checkNetwork({ env, baseUrl: (await reading).baseUrl })
          : checkNetworkOfClient(process.env),
      ),
    ].map(ignoreRejection);
    for (const check of checks) yield await check;
  }
}

const afterConfiguration = ["login", "sandbox", "mcp", "network"];
const fromThreadOn = ["configuration", ...afterConfiguration];
const fromServerOn = ["server", ...fromThreadOn];

function* skipped(why: string, names: readonly string[]): Generator<Finding, void> {
  for (const name of names) yield { name, status: "skipped", says: `not looked at, since ${why}` };
}

function* elsewhere(): Generator<Finding, boolean> {
  for (const name of ["runtime", "home"]) {
    yield { name, status: "skipped", says: "not looked at, since the server runs already" };
  }
  return true;
}
