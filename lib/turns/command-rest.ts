import type { Session } from "../session/session.js";
import type { TurnFollower } from "../session/turn-follower.js";
import type { TurnEvent } from "../protocol.js";
import type { CommandPart } from "./command-part.js";
import type { TurnState } from "../results/turn-state.js";

/**
 * Follows the turn of a command whose handle has ended before it. Should anything else come of that
 * turn, it is somebody else's, and `command` says so; usually it is only the end that is late.
 */
export function followRest(session: Session, state: TurnState, command: CommandPart): void {
  const { threadId, id } = state;
  const leave = (): void => {
    session.turns.unfollow(threadId, id, sink);
  };
  const sink: TurnFollower = {
    state,
    receive: (message) => {
      command.receive(message as TurnEvent);
      if (!command.isAlone) leave();
    },
    threadStatus: (status) => {
      if (status !== "active") leave();
    },
    // A turn that runs when the connection is back, and that nobody follows, is found then.
    dropped: leave,
    lost: leave,
  };
  const pending = session.turns.expect(threadId);
  pending.claim(id, sink);
  pending.settle();
}
