import { checkOptions } from "../errors/check-options.js";
import { checkFields, milliseconds } from "../errors/check-values.js";
import {
  AlreadyAnsweredError,
  BadRequestError,
  CommandPendingError,
  CommandRefusedError,
  NotFoundError,
  TurnOverError,
  type RemoteTurns,
} from "../http/index.js";
import type { FleetStore, TurnCommand } from "./store/fleet-store.js";

export interface RemoteTurnsOptions {
  /** How long to wait for the worker that runs the turn (ms; default 10,000). */
  readonly waitMs?: number | undefined;
}

/**
 * The way from any web process to the turns of a fleet, for the option `remote` of `TurnStreams`: what is asked becomes a
 * command of the turn's job, and whichever worker runs it now, or takes it over, carries it out.
 *
 * ```ts
 * const streams = new TurnStreams({ authorize, store: store.streams, remote: remoteTurns(store) });
 * ```
 *
 * Its calls throw the errors of the worker as those of `TurnStreams`; a CommandPendingError when no worker has answered
 * within `waitMs`, and then the command stays stored; a CommandsFullError, a StoreUnavailableError.
 *
 * @throws InvalidArgumentError
 */
export function remoteTurns(
  store: Pick<FleetStore, "send" | "outcome">,
  options: RemoteTurnsOptions = {},
): RemoteTurns {
  checkOptions("remoteTurns()", options, { waitMs: true });
  checkFields(options, { waitMs: milliseconds });
  const { waitMs = 10_000 } = options;
  const carryOut = async (id: string, command: TurnCommand): Promise<void> => {
    const seq = await store.send(id, command);
    const { signal } = new AbortController();
    const outcome = await store.outcome(id, seq, { waitMs, signal });
    if (!outcome) throw new CommandPendingError();
    if (!outcome.ok) throw refusal(outcome.code);
  };
  return {
    answer: (id, key, answer) => carryOut(id, { type: "answer", key, answer }),
    steer: (id, input) => carryOut(id, { type: "steer", input }),
    interrupt: (id) => carryOut(id, { type: "interrupt" }),
  };
}

/** What the worker's error is here. Its words stay with the worker. */
function refusal(code: string): Error {
  switch (code) {
    case "ALREADY_ANSWERED":
    case "REQUEST_NOT_PENDING":
      return new AlreadyAnsweredError();
    case "TURN_OVER":
    case "TURN_NOT_ACTIVE":
      return new TurnOverError();
    case "NOT_FOUND":
      return new NotFoundError();
    case "BAD_REQUEST":
    case "INVALID_ARGUMENT":
      return new BadRequestError("The turn cannot take this.");
    default:
      return new CommandRefusedError(code);
  }
}
