import type { SandboxMode, SandboxPolicy } from "../../generated/types.js";
import { Deferred } from "../async/deferred.js";
import { RequestTimeoutError, TransportClosedError } from "../errors/connection-errors.js";
import { readReplacedSetting } from "../errors/disallowed-settings.js";
import type { ParamsOf, ResultOf } from "../protocol.js";
import type { RequestOptions } from "../jsonrpc/connection.js";
import { idOf } from "../messages/id-of.js";
import { askedIn, holdToSettings } from "./sandbox/hold-to-settings.js";
import type { OpeningMethod, OpeningSession } from "./opening-session.js";
import { restoreSandbox } from "./sandbox/restore-sandbox.js";
import type { ThreadSettings } from "./thread-memory.js";

/**
 * Resumes or copies a thread under the sandbox that it had, and holds the server to the settings that
 * `params` name, or else to those that the thread had.
 *
 * @throws SettingsLoosenedError when a setting is looser all the same; the thread is not used then.
 */
export async function openThread<M extends OpeningMethod>(
  session: OpeningSession,
  method: M,
  params: ParamsOf<M>,
  options?: RequestOptions,
): Promise<ResultOf<M>> {
  const { sandbox, ...had } = session.memory.settingsOf(params.threadId);
  const replaced = watchReplacedSettings(session);
  const done = new Deferred<void>();
  try {
    const opened = await restoreSandbox(session, method, params, options);
    const threadId = idOf("thread", opened);
    if (had.approvalPolicy === undefined || had.approvalsReviewer === undefined) {
      session.threads.open(threadId).holdRequests(done.promise);
      await hearWarnings(session, threadId, had);
    }
    const asked = askedIn(params, { ...replaced.of(threadId), ...had, sandbox: nameOf(sandbox) });
    await holdToSettings(session, threadId, asked, opened);
    return opened;
  } finally {
    replaced.stop();
    // Callers that await the thread give it its handlers first.
    setImmediate(done.resolve);
  }
}

/**
 * Of a stored thread that this client has not seen before, only a warning tells that the server has
 * replaced a setting. It comes before the answer that opens the thread, or right behind that.
 */
function watchReplacedSettings(session: Pick<OpeningSession, "on">) {
  const replaced = new Map<string, ThreadSettings>();
  const stop = session.on("warning", ({ params }) => {
    const found = readReplacedSetting(params.message);
    if (!found || typeof params.threadId !== "string") return;
    const { setting, was } = found;
    replaced.set(params.threadId, { ...replaced.get(params.threadId), [setting]: was });
  });
  return { stop, of: (threadId: string): ThreadSettings => replaced.get(threadId) ?? {} };
}

/**
 * The warning may come a little later than the answer that opens the thread, but not later than the answer to
 * a request that is sent then, whatever that answer is. Without one nobody knows what the thread had: it is
 * let go of, and whoever wants it loads it again.
 *
 * @throws TransportClosedError, RequestTimeoutError
 */
async function hearWarnings(
  session: OpeningSession,
  threadId: string,
  had: ThreadSettings,
): Promise<void> {
  try {
    await session.call("thread/read", { threadId });
  } catch (error) {
    if (error instanceof TransportClosedError || error instanceof RequestTimeoutError) {
      const { approvalPolicy, approvalsReviewer } = had;
      session.memory.learn(threadId, { approvalPolicy, approvalsReviewer });
      session.threads.find(threadId)?.unload();
      throw error;
    }
  }
}

/** That it is no wider has been seen to; what is left is to say when it is stricter. */
function nameOf(sandbox: SandboxPolicy | undefined): SandboxMode | undefined {
  return sandbox?.type === "workspaceWrite" ? "workspace-write" : undefined;
}
