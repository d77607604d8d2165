/**
 * Every sentence of the server, or of what it starts, by which this library decides something. The server
 * has codes for little of what it says, and its words are no promise: each release may change them. So they
 * stand here and nowhere else (a test reads the sources), and tests/real/server-sentences makes every
 * supported release say them.
 */

/** The words to look for, by a name; before each, what the sentence decides. */
export const serverSentences = {
  // Requests that were refused: which error class, and with it whether something is tried again.

  /** MethodNotFoundError, if the method is quoted. It goes on with the names of all others. */
  unknownMethod: /^Invalid request: unknown variant `([^`]*)`/,
  /** InvalidParamsError: the params could not be decoded. */
  invalidRequest: /^Invalid request:/,
  /** InvalidParamsError. */
  invalidThreadId: /^invalid thread id:/,
  /** InvalidParamsError. */
  invalidSessionId: /^invalid session id:/,
  /** InvalidParamsError. */
  mustNotBeEmpty: /must not be empty/,
  /** ServerBusyError, which is tried again, and not the `-32001` of an MCP server, which is not. */
  overloaded: /^Server overloaded/,
  /** ServerDrainingError. From 0.165.0 on there is a reason beside it (`serverShuttingDown`). */
  draining: /Server is draining/,
  /** ExternalClockError: the thread's time is to come from outside, and the server asks nobody for it. */
  noExternalClock: /no external current-time provider is available/,
  /** ExperimentalApiError. */
  needsExperimentalApi: /requires experimentalApi capability/,
  /** SettingNotAllowedError: the administrator's requirements forbid the setting. */
  settingForbidden: /is not in the allowed set/,
  /** ThreadNotFoundError: nothing is stored of the thread. */
  noRollout: /no rollout found/,
  /** ThreadNotFoundError; an empty list, where the history of a thread was asked for that has run no turn. */
  notMaterialized: /not materialized yet/,
  /** ThreadNotFoundError: nothing of it is in the archive. */
  noArchivedRollout: /no archived rollout found/,
  /** ThreadArchivedError. The id stands in the middle. */
  sessionArchived: /session (\S+) is archived\b/,
  /** ThreadNotFoundError: the thread is resumed, and the request repeated. */
  threadNotFound: /thread not found/,
  /** The same, in the words of thread/read. */
  threadNotLoaded: /thread not loaded/,
  /** MethodNotFoundError that means that the thread has no history, or not yet: resuming is tried again. */
  noTurnsStored: /list_turns/,
  /** The same, for the lists of items. */
  noItemsStored: /thread\/(?:items\/list|searchOccurrences)/,
  /** The thread's first turn is being stored: resuming is tried again. */
  rolloutEmpty: /is empty$/,
  /** ThreadBusyError: another process has the thread open. */
  activeWriter: /already has an active writer/,
  /** ThreadBusyError. */
  activeOrPendingTurn: /active or pending turn/,
  /** ThreadBusyError: resuming is tried again until the thread is unloaded. */
  threadClosing: /is closing/,
  /** ThreadBusyError: a review or a compaction runs. */
  cannotSteer: /cannot steer a/,
  /** The same, of turn/start. */
  activeTurnNotSteerable: /ActiveTurnNotSteerable/,
  /** ThreadBusyError: the running turn has another output schema. */
  outputSchemaMismatch: /ActiveTurnOutputSchemaMismatch/,
  /** TurnNotActiveError: an interrupt is tried again. To a steer it says whether the thread is idle. */
  noActiveTurn: /no active turn/,
  /** TurnNotActiveError: another turn runs, whose id is looked up. */
  otherActiveTurn: /expected active turn id .* but found/,
  /** GoalsUnavailableError: the feature is off. */
  goalsDisabled: /goals feature is disabled/,
  /** GoalsUnavailableError: the thread is not stored. */
  goalsUnsupported: /does not support goals/,

  // Commands and files.

  /** CommandNotStartedError. */
  failedToSpawn: /^failed to spawn/,
  /** CommandEndedError: a write or a resize that came too late. */
  noActiveCommand: /^no active /,
  /** The same, in other words. */
  commandNoLongerRuns: /is no longer running$/,
  /** FileSystemError with `errno: "EISDIR"`. It quotes the path, which is cut out. */
  notAFile: /^path `[^]*` is not a file$/,
  /** The `errno` of a FileSystemError, as the operating systems put it: Linux and macOS, and Windows. */
  ENOENT: /^No such file|cannot find the (?:file|path)/,
  EACCES: /^Permission denied|^Access is denied/,
  EPERM: /^Operation not permitted/,
  EEXIST: /^File exists|already exists/,
  EISDIR: /^Is a directory/,
  ENOTDIR: /^Not a directory|directory name is invalid/,
  ENOTEMPTY: /^Directory not empty|directory is not empty/,
  EROFS: /^Read-only file system/,
  ENOSPC: /^No space left|not enough space/,
  EIO: /^I\/O error|^Input\/output error/,

  // What a command in the sandbox, or what makes the sandbox, writes to stderr: the outcome of
  // `sandbox.check()`.

  /** `"bubblewrapMissing"`. */
  bubblewrapMissing: /bubblewrap is unavailable/,
  /** `"pathMissing"`. */
  sandboxPathMissing:
    /^bwrap: Can't (?:bind mount|find source|mkdir|create|chdir).*: (?:No such file or directory|Not a directory)$/m,
  /** `"forbidden"`. */
  sandboxForbidden: /^bwrap: |^error building bubblewrap command|^sandbox-exec: |sandbox_apply/m,
  /** The sandbox works: the program `true` was looked for within it. */
  programMissingInSandbox: /execvp true: No such file/,

  // What a server writes to stderr that ends at once: the advice in the HandshakeError.

  /** Another process has locked its database. */
  databaseLocked: /database is locked/,
  /** Its disk is full. 4874 is what SQLite has for the file that it shares, when there is no room for it. */
  diskFull: /disk is full|No space left|quota exceeded|\(code: 4874\)/i,
  /** A file may be somebody else's, so the directory is looked through. Up to 0.165.0 this is all that is said. */
  stateNotOpened: /failed to initialize state runtime/,
  /** The same, of a server that says why. */
  fileRefused: /permission denied|access is denied|read-?only|unable to open/i,

  // Turns.

  /** `attempt` and `maxAttempts` of `turn.state.retry`. */
  attemptOf: /(\d+)\/(\d+)/,
  /** The advice to log in, in a TurnFailedError: up to 0.160.1 the status is not told otherwise. */
  unexpectedStatus: /^unexpected status 40[13]\b/,
  /** That a warning tells which setting of a stored thread was replaced: its key, and the value it had. */
  settingReplaced: /^Configured value for `(\w+)` is disallowed by requirements;.*?: `(\w+)/s,
  /** Where the verdict of the reviewer of approvals ends, which is logged: a model says what follows. */
  endOfVerdict: /:(?![^(]*\))/,

  /** That a message to the model, in the user's name, is the server's: the testing entry passes it over. */
  environmentContext: /^<environment_context>/,

  // Logins.

  /** The reason `"denied"`, in the words of the login service. */
  loginDenied: /access_denied/,
  /** The reason `"cancelled"`. */
  loginCancelled: /cancell?ed/i,
  /** The same: another client has cancelled the login, or begun another one. */
  loginNotCompleted: /Login was not completed/,

  // What quotes a value, and is cut out of every message.

  /** Of an enum or a variant. */
  quotedVariant: /(unknown variant) `[^]*?`(?=, (?:expected|there are no))/g,
  /** Of another type, out of range, or of a wrong length. */
  quotedValue: /(invalid (?:type|value|length): [a-z ]+?) (?:"(?:[^"\\]|\\.)*"|`[^`]*`)/g,
  /** Of the configuration's `model_provider`. */
  quotedProvider: /(Model provider) `[^`]*`/g,
  /** Of the answer of a backend. */
  quotedBody: /; body=[^]*$/g,
} as const;

export type SentenceName = keyof typeof serverSentences;

/** Whether a text has one of these sentences in it. */
export function says(text: string, ...names: readonly SentenceName[]): boolean {
  // Unlike test(), it keeps nothing in mind of a pattern that is for replacing.
  return names.some((name) => text.search(serverSentences[name]) !== -1);
}

/** The parts of a sentence that its pattern picks out, or undefined when the text does not have it. */
export function sentenceParts(text: string, name: SentenceName): readonly string[] | undefined {
  return serverSentences[name].exec(text)?.slice(1);
}
