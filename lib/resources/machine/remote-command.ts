import { poll } from "../../async/poll.js";
import { CommandEndedError } from "../../errors/machine-errors.js";
import type { CommandResult } from "../../results/command-result.js";
import type { Session } from "../../session/session.js";
import type { RequestOptions } from "../../jsonrpc/connection.js";
import type { TerminalSize } from "./command-options.js";

/** One command, in terms of the server's methods: `command/exec` and `process/spawn` differ. */
export interface RemoteCommand {
  /** Makes ready what is sent to start it. @throws InvalidArgumentError for a path without a meaning there. */
  prepare(session: Session): void;
  /**
   * Starts it, and resolves when it has ended and all of its output has come. `onOutput` gets what comes of
   * each stream; `cut` when the server will send no more of it.
   */
  execute(
    session: Session,
    onOutput: (stream: "stdout" | "stderr", chunk: Buffer, cut: boolean) => void,
    request: Required<Pick<RequestOptions, "signal" | "trace">>,
  ): Promise<CommandEnding>;
  write(
    session: Session,
    input: { readonly deltaBase64?: string; readonly closeStdin?: boolean },
    options: RequestOptions,
  ): Promise<unknown>;
  resize(session: Session, size: TerminalSize): Promise<unknown>;
  terminate(session: Session, options: RequestOptions): Promise<unknown>;
  /** The same when nobody waits for it: until the server has agreed, or the command is gone. */
  kill(session: Session): Promise<unknown>;
}

/** How a command ended; its output only where the server has collected it. */
export type CommandEnding = Omit<CommandResult, "timedOut">;

/** How long the server may say that it does not know a command that has not ended (ms). */
const unknownGraceMs = 5_000;
const againMs = 200;

/**
 * Asks the server something about a command. It may not know the command yet, although what starts
 * it was sent before: when it was too busy to take that, which is then sent again.
 *
 * @throws CommandEndedError when the command has ended, or the server does not come to know it.
 */
export async function askAbout(
  ended: Promise<unknown>,
  question: () => Promise<unknown>,
): Promise<void> {
  let isOver = false;
  const wake = ended.then(
    () => (isOver = true),
    () => (isOver = true),
  );
  const looks = 1 + unknownGraceMs / againMs;
  const look = async (number: number): Promise<true | undefined> => {
    try {
      await question();
      return true;
    } catch (error) {
      if (!(error instanceof CommandEndedError) || number === looks || isOver) throw error;
      return undefined;
    }
  };
  await poll(look, { pauseMs: againMs, looks, wake });
}
