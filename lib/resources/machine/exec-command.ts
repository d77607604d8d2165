import { randomUUID } from "node:crypto";
import { checkOptions } from "../../errors/check-options.js";
import type { CommandExecParams } from "../../../generated/types.js";
import { CommandNotStartedError } from "../../errors/machine-errors.js";
import type { GetSession, Session } from "../../session/session.js";
import { withServerPaths } from "../../paths/with-server-paths.js";
import { isGone } from "../../runtime/launch-command.js";
import { toSandboxPolicy } from "../../options/sandbox-options.js";
import { fromBase64 } from "./base64.js";
import { CommandHandle } from "./command-handle.js";
import { checkCommand, execKeys, commonParams, type ExecOptions } from "./command-options.js";
import { InvalidArgumentError } from "../../errors/invalid-argument-error.js";
import type { CommandEnding, RemoteCommand } from "./remote-command.js";
import { confirmEnd } from "../../session/confirm-end.js";
import { routeById } from "./route-by-id.js";

/** Runs a command by `command/exec`, whose answer comes when the command has ended. */
export function execCommand(
  getSession: GetSession,
  command: readonly string[],
  options: ExecOptions = {},
): CommandHandle {
  checkOptions("exec()", options, execKeys);
  const controls = checkCommand(command, options);
  const hasWorkspace = options.sandbox === "workspace-write";
  const remote = remoteExec(toParams(command, options), hasWorkspace);
  return new CommandHandle(getSession, remote, controls);
}

function toParams(command: readonly string[], options: ExecOptions): CommandExecParams {
  const { cwd, sandbox, permissionProfile } = options;
  if (sandbox !== undefined && permissionProfile !== undefined) {
    throw new InvalidArgumentError("permissionProfile", "must not be given together with sandbox");
  }
  const { timeoutMs, outputBytesCap, ...common } = commonParams(command, options);
  return {
    ...common,
    processId: randomUUID(),
    ...(timeoutMs === null ? { disableTimeout: true } : { timeoutMs }),
    ...(outputBytesCap === null ? { disableOutputCap: true } : { outputBytesCap }),
    ...(cwd !== undefined && { cwd }),
    ...(sandbox !== undefined && { sandboxPolicy: toSandboxPolicy(sandbox) }),
    ...(permissionProfile !== undefined && { permissionProfile }),
  };
}

/** The server's workspace is where it runs itself; this makes the command's directory one, too. */
function withWorkspace(params: CommandExecParams): CommandExecParams {
  const { cwd, sandboxPolicy: policy } = params;
  if (typeof cwd !== "string" || policy?.type !== "workspaceWrite") return params;
  return { ...params, sandboxPolicy: { ...policy, writableRoots: [cwd] } };
}

function remoteExec(given: CommandExecParams, hasWorkspace: boolean): RemoteCommand {
  const processId = given.processId ?? "";
  let params = given;
  return {
    prepare: ({ serverFiles }) => {
      const absolute = withServerPaths("command/exec", given, serverFiles);
      params = hasWorkspace ? withWorkspace(absolute) : absolute;
    },
    execute: async (session, onOutput, request) => {
      const stop = routeById(
        session,
        "command/exec/outputDelta",
        "processId",
        processId,
        (delta) => {
          onOutput(delta.stream, fromBase64(delta.deltaBase64), delta.capReached);
        },
      );
      try {
        const answer = await session.call("command/exec", params, {
          longRunning: true,
          ...request,
        });
        return withTruncation(answer, params);
      } catch (error) {
        throw await explain(error, session, params);
      } finally {
        stop();
      }
    },
    write: (session, input, options) =>
      session.call("command/exec/write", { processId, ...input }, options),
    resize: (session, size) => session.call("command/exec/resize", { processId, size }),
    terminate: (session, options) => session.call("command/exec/terminate", { processId }, options),
    kill: (session) =>
      confirmEnd(session, "command/exec/terminate", { processId }, session.connectionSignal),
  };
}

/** This process can see one missing file that the server does not tell of. */
async function explain(
  error: unknown,
  session: Session,
  params: CommandExecParams,
): Promise<unknown> {
  // Outside a sandbox, the server starts the command without a program of its own in between.
  const isOutside = /^(?:dangerFullAccess|externalSandbox)$/.test(params.sandboxPolicy?.type ?? "");
  if (!(error instanceof CommandNotStartedError) || isOutside) return error;
  const { runtimeFile } = session;
  if (runtimeFile === undefined || !(await isGone(runtimeFile))) return error;
  const { method, rpcCode, serverMessage: message, data } = error;
  return new CommandNotStartedError({ method, rpcCode, message, data }, runtimeFile);
}

/** The server does not tell whether the output that it collected is all of it. */
function withTruncation(
  { exitCode, stdout, stderr }: Pick<CommandEnding, "exitCode" | "stdout" | "stderr">,
  { streamStdoutStderr = false, outputBytesCap }: CommandExecParams,
): CommandEnding {
  const isFull = (text: string): boolean =>
    !streamStdoutStderr &&
    typeof outputBytesCap === "number" &&
    Buffer.byteLength(text) >= outputBytesCap;
  return {
    exitCode,
    stdout,
    stderr,
    stdoutTruncated: isFull(stdout),
    stderrTruncated: isFull(stderr),
  };
}
