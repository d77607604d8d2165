/**
 * Every sentence of the server, or of what it starts, by which this library decides something. The server
 * has codes for little of what it says, and its words are no promise: each release may change them. So they
 * stand here and nowhere else (a test reads the sources), and tests/real/server-sentences makes every
 * supported release say them.
 */

/** The supported releases of codex that were tried. */
export const triedReleases = ["0.155.1", "0.160.1", "0.165.0", "0.169.0", "0.171.0"] as const;

export type TriedRelease = (typeof triedReleases)[number];

/** Whose words they are. The last three are passed on by the server. */
export type Speaker = "app-server" | "sandbox" | "operating system" | "login service";

export interface ServerSentence {
  /** The words to look for in a text. */
  readonly pattern: RegExp;
  readonly by: Speaker;
  /** The releases that were made to say it. */
  readonly seenIn: readonly TriedRelease[];
  /** The releases that say something else in the same situation, which is the case that follows `notIn`. */
  readonly notIn: readonly TriedRelease[];
}

type Rest = Partial<Omit<ServerSentence, "pattern">>;

/** Every release that was tried says it, unless the entry tells otherwise. */
function said(pattern: RegExp, { by = "app-server", notIn = [], ...rest }: Rest = {}) {
  const seenIn = triedReleases.filter((release) => !notIn.includes(release));
  return { pattern, by, notIn, seenIn, ...rest } satisfies ServerSentence;
}

/** Up to 0.165.0, a server does not say why it could not open its databases. */
const withoutCauses = { notIn: ["0.155.1", "0.160.1", "0.165.0"] } as const;
const bySystem = { by: "operating system" } as const;
const bySandbox = { by: "sandbox" } as const;
const byLogin = { by: "login service" } as const;

/** Behind each name: what the sentence decides. */
export const serverSentences = {
  // Requests that were refused: which error class, and with it whether something is tried again.

  /** MethodNotFoundError, if the method is quoted. It goes on with the names of all others. */
  unknownMethod: said(/^Invalid request: unknown variant `([^`]*)`/),
  /** InvalidParamsError: the params could not be decoded. */
  invalidRequest: said(/^Invalid request:/),
  /** InvalidParamsError. */
  invalidThreadId: said(/^invalid thread id:/),
  /** InvalidParamsError. */
  invalidSessionId: said(/^invalid session id:/),
  /** InvalidParamsError. */
  mustNotBeEmpty: said(/must not be empty/),
  /** ServerBusyError, which is tried again, and not the `-32001` of an MCP server, which is not. */
  overloaded: said(/^Server overloaded/),
  /** ServerDrainingError. From 0.165.0 on there is a reason beside it (`serverShuttingDown`). */
  draining: said(/Server is draining/),
  /** ExternalClockError: the thread's time is to come from outside, and the server asks nobody for it. */
  noExternalClock: said(/no external current-time provider is available/, {
    notIn: ["0.155.1", "0.160.1", "0.165.0", "0.169.0"],
  }),
  /** ExperimentalApiError. */
  needsExperimentalApi: said(/requires experimentalApi capability/),
  /** SettingNotAllowedError: the administrator's requirements forbid the setting. */
  settingForbidden: said(/is not in the allowed set/),
  /** ThreadNotFoundError: nothing is stored of the thread. */
  noRollout: said(/no rollout found/),
  /** ThreadNotFoundError; an empty list, where the history of a thread was asked for that has run no turn. */
  notMaterialized: said(/not materialized yet/),
  /** ThreadNotFoundError: nothing of it is in the archive. */
  noArchivedRollout: said(/no archived rollout found/),
  /** ThreadArchivedError. The id stands in the middle. */
  sessionArchived: said(/session (\S+) is archived\b/),
  /** ThreadNotFoundError: the thread is resumed, and the request repeated. */
  threadNotFound: said(/thread not found/),
  /** The same, in the words of thread/read. */
  threadNotLoaded: said(/thread not loaded/),
  /** MethodNotFoundError that means that the thread has no history, or not yet: resuming is tried again. */
  noTurnsStored: said(/list_turns/),
  /** The same, for the lists of items. */
  noItemsStored: said(/thread\/(?:items\/list|searchOccurrences)/),
  /** The thread's first turn is being stored: resuming is tried again. */
  rolloutEmpty: said(/is empty$/),
  /** ThreadBusyError: another process has the thread open. */
  activeWriter: said(/already has an active writer/),
  /** ThreadBusyError. */
  activeOrPendingTurn: said(/active or pending turn/),
  /** ThreadBusyError: resuming is tried again until the thread is unloaded. */
  threadClosing: said(/is closing/),
  /** ThreadBusyError: a review or a compaction runs. */
  cannotSteer: said(/cannot steer a/),
  /** The same, of turn/start. */
  activeTurnNotSteerable: said(/ActiveTurnNotSteerable/),
  /** ThreadBusyError: the running turn has another output schema. */
  outputSchemaMismatch: said(/ActiveTurnOutputSchemaMismatch/),
  /** TurnNotActiveError: an interrupt is tried again. To a steer it says whether the thread is idle. */
  noActiveTurn: said(/no active turn/),
  /** TurnNotActiveError: another turn runs, whose id is looked up. */
  otherActiveTurn: said(/expected active turn id .* but found/),
  /** GoalsUnavailableError: the feature is off. */
  goalsDisabled: said(/goals feature is disabled/),
  /** GoalsUnavailableError: the thread is not stored. */
  goalsUnsupported: said(/does not support goals/),

  // Commands and files.

  /** CommandNotStartedError. */
  failedToSpawn: said(/^failed to spawn/),
  /** CommandEndedError: a write or a resize that came too late. */
  noActiveCommand: said(/^no active /),
  /** The same, in other words. */
  commandNoLongerRuns: said(/is no longer running$/),
  /** FileSystemError with `errno: "EISDIR"`. It quotes the path, which is cut out. */
  notAFile: said(/^path `[^]*` is not a file$/),
  /** The `errno` of a FileSystemError, as Linux and macOS put it, and Windows. */
  ENOENT: said(/^No such file|cannot find the (?:file|path)/, bySystem),
  EACCES: said(/^Permission denied|^Access is denied/, bySystem),
  EPERM: said(/^Operation not permitted/, bySystem),
  EEXIST: said(/^File exists|already exists/, bySystem),
  EISDIR: said(/^Is a directory/, bySystem),
  ENOTDIR: said(/^Not a directory|directory name is invalid/, bySystem),
  ENOTEMPTY: said(/^Directory not empty|directory is not empty/, bySystem),
  EROFS: said(/^Read-only file system/, bySystem),
  ENOSPC: said(/^No space left|not enough space/, bySystem),
  EIO: said(/^I\/O error|^Input\/output error/, bySystem),

  // What a command in the sandbox writes to stderr: the outcome of `sandbox.check()`.

  /** `"bubblewrapMissing"`. */
  bubblewrapMissing: said(/bubblewrap is unavailable/),
  /** `"pathMissing"`. */
  sandboxPathMissing: said(
    /^bwrap: Can't (?:bind mount|find source|mkdir|create|chdir).*: (?:No such file or directory|Not a directory)$/m,
    bySandbox,
  ),
  /** `"forbidden"`. */
  sandboxForbidden: said(
    /^bwrap: |^error building bubblewrap command|^sandbox-exec: |sandbox_apply/m,
    bySandbox,
  ),
  /** The sandbox works: the program `true` was looked for within it. */
  programMissingInSandbox: said(/execvp true: No such file/, bySandbox),

  // What a server writes to stderr that ends at once: the advice in the HandshakeError.

  /** Another process has locked its database. */
  databaseLocked: said(/database is locked/, withoutCauses),
  /** Its disk is full. 4874 is what SQLite has for the file that it shares, when there is no room for it. */
  diskFull: said(/disk is full|No space left|quota exceeded|\(code: 4874\)/i, {
    ...bySystem,
    ...withoutCauses,
  }),
  /** A file may be somebody else's, so the directory is looked through. Up to 0.165.0 this is all that is said. */
  stateNotOpened: said(/failed to initialize state runtime/),
  /** The same, of a server that says why. */
  fileRefused: said(/permission denied|access is denied|read-?only|unable to open/i, {
    ...bySystem,
    ...withoutCauses,
  }),

  // Turns.

  /** `attempt` and `maxAttempts` of `turn.state.retry`. */
  attemptOf: said(/(\d+)\/(\d+)/),
  /** The advice to log in, in a TurnFailedError: up to 0.160.1 the status is not told otherwise. */
  unexpectedStatus: said(/^unexpected status 40[13]\b/),
  /** That a warning tells which setting of a stored thread was replaced: its key, and the value it had. */
  settingReplaced: said(/^Configured value for `(\w+)` is disallowed by requirements;.*?: `(\w+)/s),
  /** Where the verdict of the reviewer of approvals ends, which is logged: a model says what follows. */
  endOfVerdict: said(/:(?![^(]*\))/),

  /** That a message to the model, in the user's name, is the server's: the testing entry passes it over. */
  environmentContext: said(/^<environment_context>/),

  // Logins.

  /** The reason `"denied"`. */
  loginDenied: said(/access_denied/, byLogin),
  /** The reason `"cancelled"`. */
  loginCancelled: said(/cancell?ed/i),
  /** The same: another client has cancelled the login, or begun another one. */
  loginNotCompleted: said(/Login was not completed/),

  // What quotes a value, and is cut out of every message.

  /** Of an enum or a variant. */
  quotedVariant: said(/(unknown variant) `[^]*?`(?=, (?:expected|there are no))/g),
  /** Of another type, out of range, or of a wrong length. */
  quotedValue: said(/(invalid (?:type|value|length): [a-z ]+?) (?:"(?:[^"\\]|\\.)*"|`[^`]*`)/g),
  /** Of the configuration's `model_provider`. */
  quotedProvider: said(/(Model provider) `[^`]*`/g),
  /** Of the answer of a backend. */
  quotedBody: said(/; body=[^]*$/g),
} as const;

export type SentenceName = keyof typeof serverSentences;

/** Whether a text has one of these sentences in it. */
export function says(text: string, ...names: readonly SentenceName[]): boolean {
  // Unlike test(), it keeps nothing in mind of a pattern that is for replacing.
  return names.some((name) => text.search(serverSentences[name].pattern) !== -1);
}

/** The parts of a sentence that its pattern picks out, or undefined when the text does not have it. */
export function sentenceParts(text: string, name: SentenceName): readonly string[] | undefined {
  return serverSentences[name].pattern.exec(text)?.slice(1);
}
