import type { ThreadSettings } from "../../generated/types.js";
import { Deferred } from "../async/deferred.js";
import { settleWithin } from "../async/timers.js";
import { ProtocolError, TransportClosedError } from "../errors/connection-errors.js";
import { SettingNotAllowedError } from "../errors/rpc-errors.js";
import type { Session } from "../session/session.js";
import { withServerPaths } from "../paths/with-server-paths.js";
import type { ParamsOf, ResultOf } from "../protocol.js";
import { idOf } from "../messages/id-of.js";
import type { Traced } from "../diagnostics/trace-context.js";
import { beforeSending } from "../jsonrpc/within-deadline.js";
import { askedIn, holdToSettings } from "../session/sandbox/hold-to-settings.js";
import { leavesLateThread } from "../session/confirm-end.js";
import { sandboxOfNewThread, withAbsoluteRoots, type GivenSandbox } from "./new-thread-sandbox.js";

type Started = ResultOf<"thread/start">;

/** The time in which the server must tell of a sandbox after its answer (ms). */
const tellMs = 10_000;

/**
 * Starts a thread (`thread/start`). Unless it may trust the directory, the thread starts as one that may
 * only read, and gets its sandbox before anybody can use it: when a server starts a thread in a directory
 * where its sandbox may write, it notes in the user's configuration that the directory is trusted, and
 * from then on starts what the directory's own configuration names.
 *
 * @throws SettingsLoosenedError when the thread has looser settings than it is to have.
 */
export async function startThread(
  session: Session,
  options: ParamsOf<"thread/start">,
  { trustProject, trace }: { trustProject: boolean } & Traced,
): Promise<Started> {
  // The configuration is asked about the same directory.
  const params = withServerPaths("thread/start", options, session.serverFiles);
  const given = trustProject
    ? undefined
    : await beforeSending("thread/start", sandboxOfNewThread(session, params));
  const readOnly = { sandbox: "read-only", permissions: undefined } as const;
  const first = given ? { ...params, ...readOnly } : params;
  const started = await session.call("thread/start", first, {
    ...leavesLateThread(session),
    trace,
  });
  const opened = given ? await giveSandbox(session, started, params, given) : started;
  const configured = given
    ? { ...session.configured, sandbox: undefined, permissions: undefined, ...given.asked }
    : session.configured;
  const asked = askedIn(params, configured);
  await holdToSettings(session, idOf("thread", opened), asked, opened);
  return opened;
}

/** Resolves with the answer to the start as it would have been under that sandbox. */
async function giveSandbox(
  session: Session,
  started: Started,
  params: ParamsOf<"thread/start">,
  wanted: GivenSandbox,
): Promise<Started> {
  const threadId = idOf("thread", started);
  try {
    const given = withAbsoluteRoots(wanted, started.cwd, session.serverFiles.home);
    return { ...started, ...(await updateSandbox(session, threadId, params, given)) };
  } catch (error) {
    // The server would have started it like this, too.
    if (error instanceof SettingNotAllowedError) return started;
    session.unload(threadId);
    session.call("thread/unsubscribe", { threadId }).catch(() => undefined);
    throw error;
  }
}

async function updateSandbox(
  session: Session,
  threadId: string,
  params: ParamsOf<"thread/start">,
  { asked, ...given }: GivenSandbox,
): Promise<Partial<Started>> {
  const update = () => session.call("thread/settings/update", { threadId, ...given });
  if ("permissions" in given || params.runtimeWorkspaceRoots) {
    const settings = await settingsAfter(session, threadId, update);
    const { sandboxPolicy: sandbox, activePermissionProfile } = settings;
    return { sandbox, activePermissionProfile };
  }
  const { sandboxPolicy: sandbox } = given;
  if (session.experimentalApi) {
    await update();
    return { sandbox };
  }
  // The method is experimental; but each turn may name a sandbox, so the first one does.
  const { requirements } = await session.call("configRequirements/read", undefined);
  const { allowedSandboxModes: allowed } = requirements ?? {};
  if (asked.sandbox && allowed && !allowed.includes(asked.sandbox)) return {};
  session.memory.owe(threadId, sandbox);
  return { sandbox };
}

/**
 * Only the server knows what a permission profile allows, and in which of the thread's roots it may write.
 * It tells that before its answer or behind it.
 */
async function settingsAfter(
  session: Session,
  threadId: string,
  update: () => Promise<unknown>,
): Promise<ThreadSettings> {
  const told = new Deferred<ThreadSettings>();
  const stop = session.on("thread/settings/updated", ({ params }) => {
    if (params.threadId === threadId) told.resolve(params.threadSettings);
  });
  try {
    await update();
    const settings = await settleWithin(Promise.race([told.promise, session.closed]), tellMs);
    if (settings === "timeout") {
      throw new ProtocolError(
        "The server did not tell the sandbox of the permission profile. Try again, or name a sandbox.",
      );
    }
    if ("kind" in settings) throw new TransportClosedError(settings);
    return settings;
  } finally {
    stop();
  }
}
