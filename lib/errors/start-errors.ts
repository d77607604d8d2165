import { AppServerError, hide } from "./base.js";
import { withoutValues } from "./without-values.js";

/** No runtime binary was found. `tried` lists every place looked at, in order, and what was there. */
export class BinaryNotFoundError extends AppServerError {
  override readonly code = "BINARY_NOT_FOUND";
  override readonly sent = false;
  readonly tried: readonly string[];

  constructor(tried: readonly string[], fix: string) {
    const places = tried.map((place) => `\n  - ${place}`).join("");
    super(`No codex runtime was found. Tried:${places}\n${fix}`);
    this.tried = tried;
  }
}

/** The operating system refused to start the runtime: not executable, or built for another machine. */
export class SpawnError extends AppServerError {
  override readonly code = "SPAWN_FAILED";
  override readonly sent = false;
  /** The file that could not be started. */
  readonly command: string;

  constructor(command: string, problem: string, options?: ErrorOptions) {
    super(`Could not start ${command}: ${problem}`, options);
    this.command = command;
  }
}

/** The process started but did not become a usable app-server. */
export class HandshakeError extends AppServerError {
  override readonly code = "HANDSHAKE_FAILED";
  override readonly sent = false;
  /** The end of what the process wrote to stderr, or an empty string. */
  readonly stderrTail: string;

  constructor(problem: string, stderrTail: string, options?: ErrorOptions) {
    super(withStderr(problem, stderrTail), options);
    this.stderrTail = stderrTail;
    hide(this, "stderrTail");
  }
}

/** The server is older than the oldest supported release. */
export class IncompatibleServerError extends AppServerError {
  override readonly code = "INCOMPATIBLE_SERVER";
  override readonly sent = false;
  readonly serverVersion: string;
  readonly minimumVersion: string;

  constructor(serverVersion: string, minimumVersion: string) {
    super(
      `codex app-server ${serverVersion} is older than ${minimumVersion}, the oldest supported release. ` +
        "Install a newer runtime, or set allowUnsupportedServer: true to go on at your own risk.",
    );
    this.serverVersion = serverVersion;
    this.minimumVersion = minimumVersion;
  }
}

/**
 * The app-server has died, or could not be started, too often in a row, so calls are refused for a while.
 * `cause` is the last failure.
 */
export class RestartLimitError extends AppServerError {
  override readonly code = "RESTART_LIMIT";
  override readonly sent = false;
  /** The number of failures in a row. */
  readonly failures: number;
  /** The time after which a call starts the server again (ms). */
  readonly retryAfterMs: number;

  constructor(failures: number, retryAfterMs: number, cause: unknown) {
    super(
      `The app-server failed ${failures} times in a row and is not started again for ${retryAfterMs} ms. ` +
        "Mend what the cause of this error, the last failure, says, or call again after that time.",
      { cause },
    );
    this.failures = failures;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Appends the stderr tail to a sentence, when there is one. */
export function withStderr(sentence: string, stderrTail: string): string {
  const tail = withoutValues(stderrTail.trim());
  return tail === "" ? sentence : `${sentence}\nThe process wrote to stderr:\n${tail}`;
}
