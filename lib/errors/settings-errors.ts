import { AppServerError } from "./base.js";

/** A setting of a thread that decides what may run without being asked about. */
export type GuardedSetting = "approvalPolicy" | "approvalsReviewer" | "sandbox";

/**
 * The server has opened the thread with a looser setting than was asked for, or than the thread had: an
 * administrator's requirements forbid the one asked for, or another client has the thread loaded. No turn
 * was started, and this client has let go of the thread. `docs/approvals.md` says what is looser.
 *
 * Name a setting that the server accepts: `resumeThread(id, { approvalPolicy })`, for instance.
 */
export class SettingsLoosenedError extends AppServerError {
  override readonly code: "SETTINGS_LOOSENED" | "SANDBOX_WIDENED" = "SETTINGS_LOOSENED";
  readonly threadId: string;
  /** The setting that is looser. */
  readonly setting: GuardedSetting;

  constructor(
    threadId: string,
    setting: GuardedSetting,
    message = sentenceOf(setting),
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.threadId = threadId;
    this.setting = setting;
  }
}

/**
 * The server has opened the thread under a wider sandbox than was asked for, or than it had, and would not
 * take that back (`cause` tells why, if it refused). No turn was started. Name the sandbox: `startThread({
 * sandbox })`, `resumeThread(id, { sandbox })`, or `fork({ sandbox })`.
 */
export class SandboxWidenedError extends SettingsLoosenedError {
  override readonly code = "SANDBOX_WIDENED";

  constructor(threadId: string, cause: unknown) {
    const message =
      "The server opened the thread under a wider sandbox than it was to have, so no turn was started. " +
      "Name its sandbox: startThread({ sandbox }), resumeThread(id, { sandbox }) or fork({ sandbox }).";
    super(threadId, "sandbox", message, { cause });
  }
}

function sentenceOf(setting: GuardedSetting): string {
  return (
    `The server opened the thread with a looser ${setting} than it was to have, so no turn was started. ` +
    `Name another ${setting}, one that its requirements allow.`
  );
}
