import type { ThreadGoal } from "../../generated/types.js";
import { onAbort } from "../async/abort.js";
import { onDeadline } from "../async/deadline.js";
import { Life } from "../async/life.js";
import { RequestTimeoutError } from "../errors/connection-errors.js";
import type { GetSession, Session } from "../session/session.js";
import { undoneWhenLate } from "../session/confirm-end.js";
import type { RequestOptions } from "../jsonrpc/connection.js";
import { readRunningTurn } from "../session/recovery/running-turn.js";
import { stopUnfollowed } from "../turns/stop-unfollowed.js";
import { RunningGoal } from "./running-goal.js";

/** How long after its deadline a goal may be set, and is still stopped without an answer (ms). */
const maxDelayMs = 60_000;

/** A goal that is asked for. */
interface GoalPlace {
  readonly getSession: GetSession;
  readonly session: Session;
  readonly threadId: string;
  readonly objective: string | null | undefined;
}

/** The request that has last set the goal of a thread. */
interface GoalRequest {
  /** There while the goal is being stopped that it has set too late. */
  life?: Life;
}

const latestRequests = new WeakMap<Session, Map<string, GoalRequest>>();

/**
 * Sets a goal with `send`. If that is carried out after its deadline, when nobody looks after the goal,
 * the goal is paused and its turn interrupted: found out by the late answer, or for a minute by the
 * news of such a goal. Not if the thread has been given a goal anew since: then it is that one's.
 *
 * `starts` says of the goal as it is then whether it was this request that has set it going. `heardOf`
 * gives the goal if the server has told of it in other ways than by its answer, which is not needed then.
 */
export async function setGoalInTime(
  place: GoalPlace,
  send: (options: RequestOptions) => Promise<ThreadGoal>,
  starts: (goal: ThreadGoal) => boolean,
  heardOf: () => ThreadGoal | null = () => null,
): Promise<ThreadGoal> {
  const { session, threadId } = place;
  const latest = latestRequests.get(session) ?? new Map<string, GoalRequest>();
  latestRequests.set(session, latest);
  latest.get(threadId)?.life?.end();
  const request: GoalRequest = {};
  latest.set(threadId, request);
  const forget = (): void => {
    if (latest.get(threadId) === request) latest.delete(threadId);
  };
  const stop = (goal: ThreadGoal): void => {
    if (latest.get(threadId) !== request || request.life || !starts(goal)) return;
    // Another handle has the goals of the thread.
    if (session.turns.of(threadId)?.isAskedFor) forget();
    else void stopLateGoal(place, goal, request).then(forget);
  };
  const answered = (result: unknown): void => {
    const { goal } = (result ?? {}) as { goal?: unknown };
    if (isActiveGoal(goal)) stop(goal);
  };
  try {
    const consequence = "If it does, this client pauses the goal.";
    const goal = await send(undoneWhenLate(consequence, answered));
    forget();
    return goal;
  } catch (error) {
    const isLate = error instanceof RequestTimeoutError && error.sent;
    const goal = isLate ? heardOf() : null;
    if (isLate && !goal) watchForLateGoal(place, stop);
    else forget();
    if (goal) return goal;
    throw error;
  }
}

/** Waits for the news of an active goal with this objective, though not for ever. */
function watchForLateGoal(
  { session, threadId, objective }: GoalPlace,
  stopGoal: (goal: ThreadGoal) => void,
): void {
  const stop = session.on("thread/goal/updated", ({ params }) => {
    const goal: unknown = params.goal;
    if (params.threadId !== threadId || !isActiveGoal(goal)) return;
    if (goal.objective !== objective?.trim().toWellFormed()) return;
    end();
    stopGoal(goal);
  });
  const unlink = onAbort(session.signal, () => {
    end();
  });
  const giveUp = (): void => {
    end();
  };
  const stopDeadline = onDeadline(maxDelayMs, giveUp, { unref: true });
  const end = (): void => {
    stop();
    unlink();
    stopDeadline();
  };
}

/** Never rejects: there is nobody to tell. */
async function stopLateGoal(
  { getSession, session, threadId }: GoalPlace,
  goal: ThreadGoal,
  request: GoalRequest,
): Promise<void> {
  const slot = session.thread(threadId).slots.enter({ wait: false });
  const life = new Life(() => undefined);
  life.onOver(() => {
    slot.leave();
  });
  const place = { getSession, session, slot, threadId, handlers: undefined };
  const running = new RunningGoal(place, life, (news) => {
    // What keeps it from being followed does not keep it from being stopped.
    if (news.type === "over" && !news.failure) life.end();
  });
  request.life = life;
  running.begin(goal.objective);
  running.accepted(goal);
  await Promise.all([stopRunningTurn(session, threadId), running.stop(() => undefined)]);
  life.end();
}

/** The server may have begun the goal's turn before anybody followed its turns. */
async function stopRunningTurn(session: Session, threadId: string): Promise<void> {
  if (!session.thread(threadId).slots.isRunning) return;
  const turn = await readRunningTurn(threadId, session.call.bind(session)).catch(() => undefined);
  if (turn) await stopUnfollowed(session, threadId, turn.id);
}

function isActiveGoal(goal: unknown): goal is ThreadGoal {
  return (
    typeof goal === "object" && goal !== null && (goal as Partial<ThreadGoal>).status === "active"
  );
}
