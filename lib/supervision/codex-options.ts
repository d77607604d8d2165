import { checkOptions, withInherited, withoutKeys, type KeysOf } from "../errors/check-options.js";
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
import type { RestartOptions } from "./restart-policy.js";

/** Options for the time after the server is gone. */
export interface SupervisionOptions {
  /**
   * Whether, and how, a call starts a new server process after the last one died, or connects again after
   * the connection was lost for good (default true). With `false`, every later call rejects with the
   * TransportClosedError of that loss.
   */
  restart?: boolean | RestartOptions | undefined;
}

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

const supervisionKeys: KeysOf<SupervisionOptions> = { restart: true };
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
  return withInherited(given, { ...codexKeys, ...codexConnectKeys, ...codexServerKeys });
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
