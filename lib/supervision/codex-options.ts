import { checkOptions, withInherited, withoutKeys, type KeysOf } from "../errors/check-options.js";
import { checkFields, milliseconds, type Rule } from "../errors/check-values.js";
import {
  checkServer,
  connectKeys,
  onlyToConnect,
  onlyToStart,
  type ConnectOptions,
} from "../options/connect-options.js";
import { settingsElsewhere } from "../options/option-keys.js";
import {
  clientKeys,
  connectionKeys,
  type AppServerClientOptions,
  type ConnectionSettings,
} from "../options/options.js";
import type { InProcessServer } from "../transport/transport.js";
import type { Budget, BudgetLimits } from "../usage/budget.js";
import type { RestartOptions } from "./restart-policy.js";

/** Options for what a `Codex` does by itself. */
export interface SupervisionOptions {
  /**
   * Whether, and how, a call starts a new server process after the last one died, or connects again after
   * the connection was lost for good (default true). With `false`, every later call rejects with the
   * TransportClosedError of that loss.
   */
  restart?: boolean | RestartOptions | undefined;
  /**
   * How long a thread stays loaded that nobody uses (ms, more than 0; `false` or `Infinity`: for ever). Each loaded
   * thread costs the server more than a megabyte. Then the client unsubscribes from it (`thread/unsubscribe`), the server
   * unloads it within a minute or so, and its next use loads it again, with its sandbox, handlers and tools.
   *
   * That never happens to a thread on which something is going on: a turn, a goal, queued messages, a background
   * command, a question to this client, `unsolicitedTurns()`, a voice session, a running sub-agent. Nor to one that the
   * server could not load again: an ephemeral one, or one without a turn. What the user has allowed "for the session"
   * is asked anew once the thread was unloaded.
   *
   * Default: 600,000, ten minutes; `false` for a server that other clients use, too, since this client would not hear
   * of the turns that these begin. Without `experimentalApi` it has no effect: the server does not tell then what
   * still runs.
   */
  unsubscribeIdleMs?: number | false | undefined;
  /**
   * After how long without any work the server is ended, as `suspend()` does it (ms, more than 0; default `false`:
   * never). Handlers, tools, listeners of `on()` and the settings of threads stay, and the next call starts it again.
   * For a server that ran already, the connection to it is closed.
   *
   * That never happens while something is going on that would end with it: see `suspend()`. The server is looked at
   * four times in this period, so it may run on for a quarter of it.
   */
  idleShutdownMs?: number | false | undefined;
  /**
   * What the turns of this client may use together, sub-agents included: a tenant's budget, in a `CodexPool`. When it
   * is used up, all of them are interrupted, and no other begins: see `budget` of a turn.
   */
  budget?: Budget | BudgetLimits | undefined;
}

const defaultIdleMs = 600_000;

/** The time after which threads that nobody uses are unsubscribed from; undefined for never. */
export function idleMsOf(options: AnyCodexOptions): number | undefined {
  const { unsubscribeIdleMs } = options;
  if (unsubscribeIdleMs === false) return undefined;
  const { shared = isToConnect(options) } = options as { shared?: boolean | undefined };
  return unsubscribeIdleMs ?? (shared ? undefined : defaultIdleMs);
}

const falseOrTime: Rule = {
  fits: (value) => value === false || milliseconds.fits(value),
  problem: "must be a positive number of milliseconds, Infinity or false",
};

/** The options of the client, with overload retries on. */
export interface CodexOptions extends AppServerClientOptions, SupervisionOptions {}

/** Options for a server that runs already: those of `AppServerClient.connect()`, and its address. */
export interface CodexConnectOptions extends ConnectOptions, SupervisionOptions {
  /** `"ws://127.0.0.1:4500"`, `"wss://host/path"` or `"unix:///run/codex.sock"`. */
  url: string;
}

/** For a server in this process, such as a `FakeAppServer`: the options of a connection, and the server. */
export interface CodexServerOptions
  extends Omit<ConnectionSettings, "onStderr">, SupervisionOptions {
  /** Makes a connection whenever one is needed: at the start, and after a loss. */
  server: InProcessServer;
}

const supervisionKeys: KeysOf<SupervisionOptions> = {
  restart: true,
  unsubscribeIdleMs: true,
  idleShutdownMs: true,
  budget: true,
};
const codexKeys: KeysOf<CodexOptions> = { ...clientKeys, ...supervisionKeys };
const codexConnectKeys: KeysOf<CodexConnectOptions> = {
  ...connectKeys,
  ...supervisionKeys,
  url: true,
};
const codexServerKeys: KeysOf<CodexServerOptions> = {
  ...withoutKeys(connectionKeys, "onStderr"),
  ...supervisionKeys,
  server: true,
};

/** What a `Codex` is made with: how it comes to its server. */
type AnyCodexOptions = CodexOptions | CodexConnectOptions | CodexServerOptions;

/**
 * Checks that the options are of one of the three kinds. Returns them with those that they inherit.
 *
 * @throws InvalidArgumentError for a key that the kind does not know.
 */
export function checkCodexOptions(given: AnyCodexOptions): AnyCodexOptions {
  // A URL that is undefined is a mistake: the server of this machine would take its place.
  if (isToConnect(given)) {
    checkOptions("Codex", given, codexConnectKeys, {
      elsewhere: { ...settingsElsewhere, ...onlyToStart },
    });
  } else if (isWithServer(given)) {
    checkServer(given.server);
    checkOptions("Codex", given, codexServerKeys, {
      elsewhere: { ...settingsElsewhere, ...onlyToStart, ...onlyToConnect },
    });
  } else {
    checkOptions("Codex", given, codexKeys, {
      elsewhere: { ...settingsElsewhere, ...onlyToConnect },
    });
  }
  const options = withInherited(given, { ...codexKeys, ...codexConnectKeys, ...codexServerKeys });
  checkFields(options, { unsubscribeIdleMs: falseOrTime, idleShutdownMs: falseOrTime });
  return options;
}

/** Whether a server that runs already is named. */
export function isToConnect<Options extends object>(
  options: Options,
): options is Extract<Options, { url: string }> {
  // What is no object at all is refused later.
  return "url" in (Object(options) as object);
}

/** Whether a server in this process is given. */
export function isWithServer<Options extends object>(
  options: Options,
): options is Extract<Options, { server: InProcessServer }> {
  return "server" in (Object(options) as object);
}
