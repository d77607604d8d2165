import type { ConfigObject } from "./config-args.js";
import type { LaunchCommandLine } from "./launch-command.js";

/** The app-server to start, and how. */
export interface LaunchOptions {
  /**
   * The codex executable: a path (a relative one starts at this process's working directory), or a
   * bare name such as `"codex"`, which is looked up on the PATH, relative entries left out. Where that
   * leads to the Node launcher of `@openai/codex`, the native binary behind it is used.
   *
   * Default: the environment variable `CODEX_PATH`, read like this option; otherwise a runtime
   * bundled with this package; otherwise the one inside the installed `@openai/codex`.
   */
  readonly codexPath?: string | undefined;
  /**
   * A command line of your own, in place of the library's, such as `{ command: "docker", args: ["run",
   * "-i", "my-image", "codex", "app-server"] }`. There is no shell; the program must speak the protocol on
   * its stdin and stdout. `command` is a path (a relative one starts at this process's working directory),
   * or a bare name that is looked up on the PATH which the process gets. It cannot be combined with
   * `codexPath`, `config` or `configOverrides`.
   */
  readonly launch?: LaunchCommandLine | undefined;
  /**
   * The directory in which the server keeps its configuration, its logins and its threads: its
   * `CODEX_HOME`; a relative path starts at this process's working directory, and `~` is the home directory of
   * the server's user. It is made if it is missing,
   * with the directories above it, for this user alone (mode 0700). The start rejects with a HandshakeError
   * when it cannot be made, or may not be read and written. It cannot be combined with `launch`.
   *
   * Default: the environment variable `CODEX_HOME`, whose directory must exist; otherwise `.codex` in the
   * user's home directory, which the server makes.
   */
  readonly codexHome?: string | undefined;
  /** Working directory of the process, and so of new threads without one. Default: this process's. */
  readonly cwd?: string | undefined;
  /**
   * Environment variables for the process, over those of this process: a string sets one,
   * `undefined` removes one. This is the place for secrets.
   */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /**
   * Whether the process starts from this process's environment. Default: `true`. With `false` it
   * gets what `env` says and nothing else, except for the runtime's helper programs on the PATH and,
   * on Windows, `SystemRoot`, without which nothing starts. Give it a `PATH`, or the agent finds no
   * commands. `CODEX_PATH`, and the PATH on which `codexPath: "codex"` is looked up, are addressed to
   * this library: they still come from this process unless `env` has them.
   */
  readonly inheritEnv?: boolean | undefined;
  /**
   * Configuration for this server, over its `config.toml`: `{ model: "…", features: { … } }`. It is
   * passed as command-line arguments, which every user of the machine can see: put secrets into
   * `env`. Keys that are `undefined` are left out; `null`, dates and functions are refused.
   */
  readonly config?: ConfigObject | undefined;
  /**
   * The same as raw `key=value` strings, as `codex -c` takes them: the key is split at its dots, and
   * a value that is not TOML is taken as a string. They win over `config`, and later ones over
   * earlier ones.
   */
  readonly configOverrides?: readonly string[] | undefined;
}
