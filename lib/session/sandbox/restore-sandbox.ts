import type { SandboxPolicy } from "../../../generated/types.js";
import { RequestTimeoutError, TransportClosedError } from "../../errors/connection-errors.js";
import { SandboxWidenedError } from "../../errors/settings-errors.js";
import type { OpeningMethod, OpeningSession } from "../opening-session.js";
import type { ParamsOf, ResultOf } from "../../protocol.js";
import { idOf } from "../../messages/id-of.js";
import type { RequestOptions } from "../../jsonrpc/connection.js";
import { namedSandbox } from "./hold-to-settings.js";
import { isWider, readSandboxPolicy } from "./sandbox-policy.js";

/**
 * Resumes or copies a thread under the sandbox that it had, unless `params` name one. The server itself
 * takes that of its configuration, in place of "workspace-write" at least, however wide that is.
 *
 * @throws SandboxWidenedError when the sandbox is wider all the same; the thread is not used then.
 */
export async function restoreSandbox<M extends OpeningMethod>(
  session: OpeningSession,
  method: M,
  params: ParamsOf<M>,
  options?: RequestOptions,
): Promise<ResultOf<M>> {
  const { sandbox: known } = session.memory.settingsOf(params.threadId);
  if (known === undefined || namedSandbox(params, params.config ?? {}))
    return session.call(method, params, options);
  const opened = await session.call(method, withSandbox(params, known), options);
  if (isWithin(opened, known) || namesDetails(params, known)) return opened;
  const threadId = idOf("thread", opened);
  mistrust(session, threadId, known);
  await narrow(session, threadId, known);
  if (method === "thread/fork") return { ...opened, sandbox: known };
  // It is loaded now, and tells what holds.
  const reopened = await session.call(method, params, options);
  if (isWithin(reopened, known)) return reopened;
  mistrust(session, threadId, known);
  throw new SandboxWidenedError(threadId, undefined);
}

/** Whoever wants to start a turn on it has to load it, and gets here; it is to have this sandbox. */
function mistrust(session: OpeningSession, threadId: string, known: SandboxPolicy): void {
  session.memory.learn(threadId, { sandbox: known });
  session.threads.find(threadId)?.unload();
}

/** What is not understood may be anything. */
function isWithin(opened: unknown, known: SandboxPolicy): boolean {
  const holds = readSandboxPolicy((opened as { sandbox?: unknown } | null)?.sandbox);
  return holds !== undefined && !isWider(holds, known);
}

/** Whether they change what makes up the "workspace-write" that the thread has. */
function namesDetails({ config }: ParamsOf<OpeningMethod>, { type }: SandboxPolicy): boolean {
  const keys = Object.keys(config ?? {});
  return type === "workspaceWrite" && keys.some((key) => key.startsWith(detailsKey));
}

const detailsKey = "sandbox_workspace_write";

/** A request can name the kind only; what makes up "workspace-write" is configuration. */
function withSandbox<P extends ParamsOf<OpeningMethod>>(params: P, policy: SandboxPolicy): P {
  switch (policy.type) {
    case "workspaceWrite": {
      const ours = {
        writable_roots: policy.writableRoots ?? [],
        network_access: policy.networkAccess ?? false,
        exclude_tmpdir_env_var: policy.excludeTmpdirEnvVar ?? false,
        exclude_slash_tmp: policy.excludeSlashTmp ?? false,
      };
      const given = params.config?.[detailsKey] as object | null | undefined;
      const config = { ...params.config, [detailsKey]: { ...ours, ...given } };
      return { ...params, sandbox: "workspace-write", config };
    }
    case "readOnly":
      // With a network, it has no name. Servers from 0.165.0 on store it; others are corrected.
      return policy.networkAccess ? params : { ...params, sandbox: "read-only" };
    default:
      return params;
  }
}

/** Takes back what the thread may do beyond `policy`: there are some that no resuming can name. */
async function narrow(
  session: OpeningSession,
  threadId: string,
  policy: SandboxPolicy,
): Promise<void> {
  try {
    await session.call("thread/settings/update", { threadId, sandboxPolicy: policy });
  } catch (error) {
    // Nobody has refused: to be tried again when the thread is loaded the next time.
    if (error instanceof TransportClosedError || error instanceof RequestTimeoutError) throw error;
    // Nothing of it is to be heard here that the server may do there.
    await session.call("thread/unsubscribe", { threadId }).catch(() => undefined);
    throw new SandboxWidenedError(threadId, error);
  }
}
