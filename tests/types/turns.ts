/** Compile-time checks of turns, threads and requests; nothing here runs. */
import type {
  AppServerClient,
  Codex,
  GoalRun,
  MessageUpdate,
  ParamsOf,
  ResultOf,
  Thread,
  Turn,
  TurnEvent,
  TurnEventMethod,
  TurnResult,
} from "../../lib/index.js";

type Same<One, Other> = [One, Other] extends [Other, One] ? true : false;
type Hold<Checks extends true[]> = Checks;
type Not<Check extends boolean> = Check extends true ? false : true;

/** A turn can be iterated and disposed of; awaiting one gives the turn itself. */
export type TurnIsNoPromise = Hold<
  [
    Not<Turn extends PromiseLike<unknown> ? true : false>,
    Same<Awaited<Turn>, Turn>,
    Turn extends AsyncIterable<TurnEvent> & AsyncDisposable ? true : false,
    Same<Awaited<ReturnType<Turn["run"]>>, TurnResult>,
    Same<Turn["id"], string | undefined>,
    Same<ReturnType<Thread["turn"]>, Turn>,
  ]
>;

/** The text and the messages of a turn and of a goal are alike. */
export type Texts = Hold<
  [
    Same<ReturnType<Turn["messages"]>, AsyncGenerator<MessageUpdate, undefined>>,
    Same<ReturnType<GoalRun["messages"]>, AsyncGenerator<MessageUpdate, undefined>>,
    Same<ReturnType<Turn["textStream"]>, AsyncGenerator<string, undefined>>,
    Same<Awaited<ReturnType<Turn["steer"]>>, string>,
    Same<Awaited<ReturnType<GoalRun["steer"]>>, string>,
  ]
>;

// Only an update that brings text has a delta.
export function addedBy(update: MessageUpdate): string {
  return update.type === "delta" ? update.delta : "";
}

/** Clients and threads are no promises either. */
export type NothingElseIs = Hold<
  [
    Same<Awaited<Codex>, Codex>,
    Same<Awaited<AppServerClient>, AppServerClient>,
    Same<Awaited<ReturnType<Codex["startThread"]>>, Thread>,
    Same<ReturnType<Codex["thread"]>, Thread>,
  ]
>;

/** The events of a turn are those that name a turn. */
export type OnlyTurnEvents = Hold<
  [
    "item/completed" extends TurnEventMethod ? true : false,
    "turn/completed" extends TurnEventMethod ? true : false,
    "error" extends TurnEventMethod ? true : false,
    Not<"account/updated" extends TurnEventMethod ? true : false>,
    Not<"thread/name/updated" extends TurnEventMethod ? true : false>,
  ]
>;

/** Whatever the event is, its thread is known; not all of them name their turn. */
export function threadOf(event: TurnEvent): string {
  return event.params.threadId;
}

// An event narrows by its method, and an item by its type.
export function textOf(event: TurnEvent): string | null {
  switch (event.method) {
    case "item/agentMessage/delta":
      return event.params.delta;
    case "item/completed":
      return event.params.item.type === "agentMessage" ? event.params.item.text : null;
    case "turn/completed":
      return event.params.turn.status;
    case "error":
      return event.params.willRetry ? null : event.params.error.message;
    default:
      // @ts-expect-error -- not every other event has a delta
      event.params.delta satisfies string;
      return null;
  }
}

export async function requests(client: AppServerClient): Promise<void> {
  const started = await client.request("thread/start", { cwd: "/home/user" });
  started satisfies ResultOf<"thread/start">;
  started.thread.id satisfies string;

  // Params may be left out where there are none, or none that must be given.
  await client.request("account/logout");
  await client.request("thread/loaded/list");
  await client.request("model/list", { limit: 3 }, { timeoutMs: 5_000 });
  // An optional field may be undefined, which sends nothing.
  await client.request("thread/start", { model: undefined, cwd: null });

  // @ts-expect-error -- the thread must be named
  await client.request("thread/read");
  // @ts-expect-error -- by an id that is a string
  await client.request("thread/read", { threadId: 7 });
  // @ts-expect-error -- the method must exist
  await client.request("thread/fly", {});
  // @ts-expect-error -- a result has no such field
  started.thread.altitude satisfies number;
}

export function listening(client: AppServerClient): void {
  const stop = client.on("thread/name/updated", ({ method, params }) => {
    method satisfies "thread/name/updated";
    params.threadId satisfies string;
  });
  stop satisfies () => void;
  // @ts-expect-error -- the method must exist
  client.on("thread/flown", () => undefined);
}

export async function turns(thread: Thread): Promise<void> {
  thread.turn("Hi");
  thread.turn(["Look:", { type: "localImage", path: "cat.png" }], { model: "gpt-x" });
  thread.turn({ type: "image", data: new Uint8Array(), mediaType: "image/png" });
  thread.turn({ type: "localAudio", path: "/there.wav", on: "server" });
  thread.turn([{ type: "skill", name: "a", path: "/a/SKILL.md", on: "server" }]);
  // @ts-expect-error -- there is no other place
  thread.turn({ type: "localImage", path: "cat.png", on: "client" });
  thread.turn("Hi", { sandbox: "read-only", whenBusy: "steer", onBreak: "detach", timeoutMs: 5 });
  // Whoever builds options may leave fields undefined.
  thread.turn("Hi", { model: undefined, signal: undefined, sandbox: undefined });
  const { finalResponse, usage } = await thread.run("Hi", { throwOnFailure: false });
  finalResponse satisfies string | null;
  usage?.turn.totalTokens satisfies number | undefined;

  // @ts-expect-error -- sandboxes have the same names as on threads
  thread.turn("Hi", { sandbox: "readOnly" });
  // @ts-expect-error -- the thread is this one
  thread.turn("Hi", { threadId: "other" });
  // @ts-expect-error -- such an item does not exist
  thread.turn({ type: "video", url: "data:," });
  // @ts-expect-error -- run() needs no input here, and takes none
  await thread.turn("Hi").run("Hi");
  for await (const stored of thread.turns({ limit: 3 })) stored.id satisfies string;
}

export const interruptParams: ParamsOf<"turn/interrupt"> = { threadId: "t", turnId: "u" };

export function constructing(client: typeof AppServerClient): void {
  // @ts-expect-error -- a client is started, connected or attached, never constructed
  new client();
}
