import { orAborted } from "../async/abort.js";
import type { GoalSettings } from "../options/goal-options.js";
import { busyError } from "../session/busy-error.js";
import type { GetSession, Session } from "../session/session.js";
import type { Slot } from "../session/turn-slots.js";
import { GoalNotStartedError } from "./goal-errors.js";
import { GoalExecution, type GoalListener, type GoalOrigin } from "./goal-execution.js";
import { clearOldGoal } from "./goal-requests.js";
import { setGoalInTime } from "./late-goal.js";

export interface GoalRequest extends GoalOrigin {
  readonly settings: GoalSettings;
}

/** Sets a goal on its thread, as soon as that is free. */
export function startGoal(
  getSession: GetSession,
  request: GoalRequest,
  listener: GoalListener,
): GoalExecution {
  const goal = new GoalExecution(request, listener);
  if (!goal.life.isOver()) {
    bring(goal, getSession, request, listener).catch((error: unknown) => {
      goal.end(() => error);
    });
  }
  return goal;
}

async function bring(
  goal: GoalExecution,
  getSession: GetSession,
  request: GoalRequest,
  listener: GoalListener,
): Promise<void> {
  const { life } = goal;
  const session = await getSession("thread/goal/set");
  if (life.hasEnded()) return;
  session.usage.budgets.admit(request.threadId, request.controls.budget);
  listener.connected(session);
  // Everything runs in the order of the calls, so the slot comes before anything that takes time.
  const { slots } = session.thread(request.threadId);
  if (request.controls.whenBusy === "reject" && slots.isBusy) throw busyGoalError();
  const slot = slots.enter({ wait: true });
  goal.enter(session, slot);
  await Promise.race([slot.admitted, life.ended]);
  if (!life.hasEnded()) await prepare(goal, session, slot, request);
  const admission = life.hasEnded() ? undefined : session.work.admission(life);
  if (admission) {
    await orAborted(Promise.race([admission, life.ended]), session.signal);
    // While it waited, something else may have begun on the thread.
    if (!life.hasEnded()) await prepare(goal, session, slot, request);
  }
  if (life.hasEnded()) return;
  // It may have been used up while the goal waited.
  session.usage.budgets.admit(request.threadId, request.controls.budget);
  await set(goal, session, request);
}

/** Makes room for the goal: the old one is gone, the thread is loaded, and no turn runs. */
async function prepare(
  { life }: GoalExecution,
  session: Session,
  slot: Slot,
  { threadId, controls }: GoalRequest,
): Promise<void> {
  // Before the thread is loaded, since loading it would set the old goal going again.
  await clearOldGoal(session, threadId, life.ended);
  if (life.hasEnded()) return;
  await session.load(threadId);
  for (let clear = slot.clear(); clear && !life.hasEnded(); clear = slot.clear()) {
    if (controls.whenBusy === "reject") throw busyGoalError();
    await Promise.race([clear, life.ended]);
  }
}

/** Sets the goal and makes it active: the server then starts turns for it. */
async function set(
  goal: GoalExecution,
  session: Session,
  { threadId, settings, controls }: GoalRequest,
): Promise<void> {
  const { life } = goal;
  const withdrawn = new AbortController();
  void life.ended.then(() => {
    if (!life.wasSent) withdrawn.abort(new GoalNotStartedError());
  });
  const onSent = (): void => {
    life.reach("sent");
  };
  goal.begin(settings.objective);
  const params = { ...settings, threadId, status: "active" } as const;
  const options = { trace: controls.trace, signal: withdrawn.signal, onSent };
  goal.take(await setGoalInTime(session, params, options, goal));
}

function busyGoalError(): Error {
  const advice = 'It was not sent. Wait for that turn, or choose whenBusy: "queue".';
  return busyError("thread/goal/set", advice);
}
