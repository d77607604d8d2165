import { randomUUID } from "node:crypto";
import { checkOptions } from "../../errors/check-options.js";
import type { ProcessSpawnParams } from "../../../generated/types.js";
import { onAbort } from "../../async/abort.js";
import { Deferred, ignoreRejection } from "../../async/deferred.js";
import { RequestTimeoutError } from "../../errors/connection-errors.js";
import { checkText } from "../../errors/check-values.js";
import type { GetSession, Session } from "../../session/session.js";
import { confirmEnd, undoneWhenLate } from "../../session/confirm-end.js";
import { withServerPaths } from "../../paths/with-server-paths.js";
import { fromBase64 } from "./base64.js";
import { CommandHandle } from "./command-handle.js";
import { checkCommand, spawnKeys, commonParams, type SpawnOptions } from "./command-options.js";
import type { CommandEnding, RemoteCommand } from "./remote-command.js";
import { routeById } from "./route-by-id.js";

const noSandbox = ": it runs outside every sandbox; use exec()";
const onlyForExec = { sandbox: noSandbox, sandboxPolicy: noSandbox, permissionProfile: noSandbox };

/** Runs a command by `process/spawn`, which is answered at its start; `process/exited` tells the end. */
export function spawnProcess(
  getSession: GetSession,
  command: readonly string[],
  options: SpawnOptions,
): CommandHandle {
  checkOptions("spawn()", options, spawnKeys, { elsewhere: onlyForExec });
  const controls = checkCommand(command, options);
  checkText("cwd", options.cwd);
  const params = {
    ...commonParams(command, options),
    processHandle: randomUUID(),
    cwd: options.cwd,
  };
  return new CommandHandle(getSession, remoteSpawn(params), controls);
}

function remoteSpawn(given: ProcessSpawnParams): RemoteCommand {
  const { processHandle } = given;
  let params = given;
  const kill = (session: Session) =>
    confirmEnd(session, "process/kill", { processHandle }, session.connectionSignal);
  return {
    prepare: ({ serverFiles }) => {
      params = withServerPaths("process/spawn", given, serverFiles);
    },
    execute: async (session, onOutput, request) => {
      const exited = new Deferred<CommandEnding>();
      void ignoreRejection(exited.promise);
      const stops = [
        routeById(session, "process/outputDelta", "processHandle", processHandle, (delta) => {
          onOutput(delta.stream, fromBase64(delta.deltaBase64), delta.capReached);
        }),
        routeById(session, "process/exited", "processHandle", processHandle, (ending) => {
          const { stdoutCapReached, stderrCapReached } = ending;
          exited.resolve({
            ...ending,
            stdoutTruncated: stdoutCapReached,
            stderrTruncated: stderrCapReached,
          });
        }),
        onAbort(request.signal, exited.reject),
        onAbort(session.connectionSignal, exited.reject),
      ];
      try {
        const late = undoneWhenLate("If it does, this client kills it.", () => void kill(session));
        await session.call("process/spawn", params, { ...request, ...late });
        return await exited.promise;
      } catch (error) {
        // Without an answer nobody knows whether it runs.
        if (error instanceof RequestTimeoutError && error.sent) void kill(session);
        throw error;
      } finally {
        for (const stop of stops) stop();
      }
    },
    write: (session, input, options) =>
      session.call("process/writeStdin", { processHandle, ...input }, options),
    resize: (session, size) => session.call("process/resizePty", { processHandle, size }),
    terminate: (session, options) => session.call("process/kill", { processHandle }, options),
    kill,
  };
}
