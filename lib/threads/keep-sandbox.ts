import type { SandboxPolicy } from "../../generated/types.js";
import { isDrop } from "../errors/connection-errors.js";
import { SandboxWidenedError } from "../errors/sandbox-error.js";
import type { Host } from "../host.js";
import type { ParamsOf, ResultOf } from "../protocol.js";
import { idOf } from "../rpc/id-of.js";
import type { RequestOptions } from "../rpc/connection.js";
import { isWider, readSandboxPolicy } from "./sandbox-policy.js";

type Opening = "thread/resume" | "thread/fork";

/**
 * Resumes or copies a thread under the sandbox that it had, unless `params` name one. The server itself
 * takes that of its configuration, in place of "workspace-write" at least, however wide that is.
 *
 * @throws SandboxWidenedError when the sandbox is wider all the same; the thread is not used then.
 */
export async function openInSandbox<M extends Opening>(
  host: Pick<Host, "call" | "sandboxes">,
  method: M,
  params: ParamsOf<M>,
  options?: RequestOptions,
): Promise<ResultOf<M>> {
  const known = host.sandboxes.of(params.threadId);
  if (known === undefined || namesSandbox(params)) return host.call(method, params, options);
  const opened = await host.call(method, withSandbox(params, known), options);
  const holds = readSandboxPolicy((opened as { sandbox?: unknown } | null)?.sandbox);
  if (holds === undefined || !isWider(holds, known)) return opened;
  const threadId = idOf("thread", opened);
  await narrow(host, threadId, known);
  return { ...opened, sandbox: known };
}

function namesSandbox({ sandbox, permissions, config }: ParamsOf<Opening>): boolean {
  const keys = Object.keys(config ?? {});
  return Boolean(sandbox ?? permissions) || keys.some((key) => /^sandbox|permissions/.test(key));
}

/** A request can name the kind only; what makes up "workspace-write" is configuration. */
function withSandbox<P extends ParamsOf<Opening>>(params: P, policy: SandboxPolicy): P {
  switch (policy.type) {
    case "workspaceWrite": {
      const sandbox_workspace_write = {
        writable_roots: policy.writableRoots ?? [],
        network_access: policy.networkAccess ?? false,
        exclude_tmpdir_env_var: policy.excludeTmpdirEnvVar ?? false,
        exclude_slash_tmp: policy.excludeSlashTmp ?? false,
      };
      const config = { ...params.config, sandbox_workspace_write };
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
  host: Pick<Host, "call" | "sandboxes">,
  threadId: string,
  policy: SandboxPolicy,
): Promise<void> {
  // Whatever happens, this is what it is to have.
  host.sandboxes.learn(threadId, policy);
  try {
    await host.call("thread/settings/update", { threadId, sandboxPolicy: policy });
  } catch (error) {
    if (isDrop(error)) throw error;
    // It must not be taken for one that is ready for turns.
    await host.call("thread/unsubscribe", { threadId }).catch(() => undefined);
    throw new SandboxWidenedError(threadId, error);
  }
}
