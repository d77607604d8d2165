import { describe, expect, test } from "@jest/globals";
import type { NotificationMessage } from "../../../lib/jsonrpc/message.js";
import { Threads } from "../../../lib/session/threads.js";
import type { TurnFollower } from "../../../lib/session/turn-follower.js";
import { TurnRoutes } from "../../../lib/session/turn-routes.js";
import { initialTurnState } from "../../../lib/turns/turn-state.js";

const end = "turn/completed";

const newRoutes = (): TurnRoutes => new TurnRoutes(new Threads(() => Promise.resolve([])));

function event(text: string, turnId = "turn-1", threadId = "thread-1"): NotificationMessage {
  if (text === end) return { method: end, params: { threadId, turn: { id: turnId } } };
  return { method: "item/agentMessage/delta", params: { threadId, turnId, delta: text } };
}

/** A follower that writes down what it gets, and unfollows at the end of its turn. */
class Recorder implements TurnFollower {
  readonly state = initialTurnState("thread-1");
  readonly got: string[] = [];
  readonly #routes: TurnRoutes;
  readonly #turnId: string;

  constructor(routes: TurnRoutes, turnId = "turn-1") {
    this.#routes = routes;
    this.#turnId = turnId;
  }

  receive(message: NotificationMessage): void {
    const { delta } = message.params as { delta?: string };
    this.got.push(delta ?? message.method);
    if (message.method === end) this.#routes.unfollow("thread-1", this.#turnId, this);
  }

  lost(failure: () => Error): void {
    this.got.push(failure().message);
    this.#routes.unfollow("thread-1", this.#turnId, this);
  }
}

function follow(routes: TurnRoutes, turnId = "turn-1"): Recorder {
  const follower = new Recorder(routes, turnId);
  const pending = routes.expect("thread-1");
  pending.claim(turnId, follower);
  pending.settle();
  return follower;
}

test("a turn's events go to whoever follows it", () => {
  const routes = newRoutes();
  const follower = follow(routes);
  for (const one of [event("a"), event("b", "turn-2"), event("c", "turn-1", "other"), event("d")]) {
    routes.route(one);
  }
  routes.route({ method: "thread/name/updated", params: { threadId: "thread-1" } });
  routes.route({ method: "configWarning", params: {} });
  routes.route({ method: "item/agentMessage/delta" });
  expect(follower.got).toEqual(["a", "d"]);
});

describe("of a method that is newer than this library", () => {
  const novel = (params: object): NotificationMessage => ({ method: "turn/novel", params });

  test("what names the turn alone, or nests it, goes to whoever follows it", () => {
    const routes = newRoutes();
    const follower = follow(routes);
    routes.route(event("a"));
    routes.route(novel({ turnId: "turn-1" }));
    routes.route(novel({ turn: { id: "turn-1" } }));
    routes.route(novel({ threadId: "thread-1", turn: { id: "turn-1" } }));
    routes.route(novel({ threadId: "other", turn: { id: "turn-1" } }));
    routes.route(novel({ turn: { id: "turn-2" } }));
    routes.route(event("b"));
    expect(follower.got).toEqual(["a", "turn/novel", "turn/novel", "turn/novel", "b"]);
  });

  test("what names a turn alone whose id is not known yet is kept, and comes once, in order", () => {
    const routes = newRoutes();
    const follower = new Recorder(routes);
    const offered: string[] = [];
    for (const threadId of ["thread-1", "thread-2"]) {
      routes.watch(threadId, (turnId) => {
        offered.push(`${threadId} ${turnId}`);
        return undefined;
      });
    }
    const [pending, other] = [routes.expect("thread-1"), routes.expect("thread-2")];
    for (const message of [event("a"), novel({ turnId: "turn-1" }), event("b")]) {
      routes.route(message);
    }
    routes.route(novel({ turnId: "nobody's" }));
    pending.claim("turn-1", follower);
    pending.settle();
    other.settle();
    expect(follower.got).toEqual(["a", "turn/novel", "b"]);
    expect(offered).toEqual([]);
  });

  test("what names no thread though it always should is nobody's", () => {
    const routes = newRoutes();
    const follower = follow(routes);
    routes.route({ method: "item/agentMessage/delta", params: { turnId: "turn-1", delta: "x" } });
    expect(follower.got).toEqual([]);
  });
});

test("what comes before the id is known is kept, in order, for the turn it is about", () => {
  const routes = newRoutes();
  const [one, two] = [new Recorder(routes), new Recorder(routes, "turn-2")];
  const [first, second] = [routes.expect("thread-1"), routes.expect("thread-1")];
  for (const message of [event("a"), event("x", "turn-2"), event("b")]) routes.route(message);
  expect(first.claim("turn-1", one)).toEqual([]);
  first.settle();
  routes.route(event("c"));
  routes.route(event("y", "turn-2"));
  second.claim("turn-2", two);
  second.settle();
  expect(one.got).toEqual(["a", "b", "c"]);
  expect(two.got).toEqual(["x", "y"]);
});

test("a turn that ended before its id was known ends for the one who claims it", () => {
  const routes = newRoutes();
  const follower = new Recorder(routes);
  const pending = routes.expect("thread-1");
  for (const message of [event("a"), event(end), event("late")]) routes.route(message);
  pending.claim("turn-1", follower);
  pending.settle();
  expect(follower.got).toEqual(["a", end]);
  expect(routes.size).toBe(0);
});

test("nothing is kept for turns that nobody is waiting for", () => {
  const routes = newRoutes();
  routes.route(event("early"));
  const failed = routes.expect("thread-1");
  routes.route(event("of a turn that was refused"));
  failed.settle();
  failed.settle();
  const follower = follow(routes);
  expect(follower.got).toEqual([]);
});

describe("a turn with two followers", () => {
  test("tells the second of the first, and both of everything from then on", () => {
    const routes = newRoutes();
    const first = follow(routes);
    routes.route(event("a"));
    const second = new Recorder(routes);
    const pending = routes.expect("thread-1");
    routes.route(event("b"));
    expect(pending.claim("turn-1", second)).toEqual([first]);
    pending.settle();
    routes.route(event("c"));
    routes.route(event(end));
    routes.route(event("late"));
    expect(first.got).toEqual(["a", "b", "c", end]);
    expect(second.got).toEqual(["c", end]);
    expect(routes.size).toBe(0);
  });

  test("ends for every one of them that learns only later that it is one", () => {
    const routes = newRoutes();
    const first = follow(routes);
    const late = [new Recorder(routes), new Recorder(routes)];
    const pending = late.map(() => routes.expect("thread-1"));
    routes.route(event(end));
    for (const [index, follower] of late.entries()) {
      expect(pending[index]?.claim("turn-1", follower)).toEqual([first]);
      pending[index]?.settle();
      expect(follower.got).toEqual([end]);
    }
    expect(routes.size).toBe(0);
  });

  test("that both wait for its id: the second one gets at least its end", () => {
    const routes = newRoutes();
    const followers = [new Recorder(routes), new Recorder(routes)];
    const pending = followers.map(() => routes.expect("thread-1"));
    for (const message of [event("a"), event(end)]) routes.route(message);
    for (const [index, follower] of followers.entries()) {
      pending[index]?.claim("turn-1", follower);
      pending[index]?.settle();
    }
    expect(followers.map(({ got }) => got)).toEqual([["a", end], [end]]);
    expect(routes.size).toBe(0);
  });
});

test("that a turn has ended is not remembered longer than somebody waits for an id", () => {
  const routes = newRoutes();
  follow(routes, "turn-2");
  follow(routes);
  const pending = routes.expect("thread-1");
  routes.route(event(end));
  pending.settle();
  const again = follow(routes);
  routes.route(event("a"));
  expect(again.got).toEqual(["a"]);
});

test("a follower that has unfollowed gets nothing more", () => {
  const routes = newRoutes();
  const follower = follow(routes);
  routes.unfollow("thread-1", "turn-1", follower);
  routes.unfollow("thread-1", "turn-1", follower);
  routes.unfollow("nowhere", "turn-1", follower);
  routes.route(event("a"));
  expect(follower.got).toEqual([]);
  expect(routes.size).toBe(0);
});

test("the end of the connection reaches every follower", () => {
  const routes = newRoutes();
  const followers = [follow(routes), follow(routes), follow(routes, "turn-2")];
  routes.close(new Error("exited"));
  expect(followers.map(({ got }) => got)).toEqual([["exited"], ["exited"], ["exited"]]);
  expect(routes.size).toBe(0);
});

describe("a turn whose id no answer tells", () => {
  const begins =
    (text: string) =>
    ({ params }: NotificationMessage) =>
      (params as { delta?: string } | undefined)?.delta === text;

  test("is found by its events, and gets them all", async () => {
    const routes = newRoutes();
    const pending = routes.expect("thread-1");
    const found = pending.find(begins("ours"));
    for (const one of [event("other", "turn-1"), event("ours", "turn-2"), event("b", "turn-2")]) {
      routes.route(one);
    }
    expect(await found).toBe("turn-2");
    const follower = new Recorder(routes, "turn-2");
    pending.claim("turn-2", follower);
    pending.settle();
    expect(follower.got).toEqual(["ours", "b"]);
  });

  test("is given up with the thread", async () => {
    const routes = newRoutes();
    const pending = routes.expect("thread-1");
    const found = pending.find(() => false);
    routes.of("thread-1")?.abandon(() => new Error("unsubscribed"));
    await expect(found).rejects.toThrow("unsubscribed");
    pending.settle();
    expect(routes.size).toBe(0);
  });
});

describe("a thread that is watched", () => {
  test("offers the events of turns that nobody follows, until the watch ends", () => {
    const routes = newRoutes();
    const follower = new Recorder(routes, "turn-2");
    const offered: string[] = [];
    const stop = routes.watch("thread-1", (turnId, message) => {
      offered.push(turnId);
      return message.params === undefined || turnId !== "turn-2" ? undefined : follower;
    });
    const ours = follow(routes);
    for (const one of [event("a"), event("x", "turn-2"), event("y", "turn-2"), event("z", "no")]) {
      routes.route(one);
    }
    expect([ours.got, follower.got, offered]).toEqual([["a"], ["x", "y"], ["turn-2", "no"]]);
    stop();
    routes.route(event("more", "no"));
    expect(offered).toHaveLength(2);
    routes.route(event(end, "turn-2"));
    routes.route(event(end));
    expect(routes.size).toBe(0);
  });

  test("tells those who look on whether a turn was taken by somebody who asks for it", () => {
    const routes = newRoutes();
    const lookers: boolean[] = [];
    routes.watch("thread-1", (_turnId, _event, isTaken) => {
      lookers.push(isTaken);
      return undefined;
    });
    const follower = new Recorder(routes);
    const asksFor = (turnId: string) => (turnId === "turn-1" ? follower : undefined);
    const stop = routes.watch("thread-1", asksFor, { asksFor: true });
    for (const one of [event("a"), event("x", "turn-2"), event("b")]) routes.route(one);
    expect([follower.got, lookers]).toEqual([
      ["a", "b"],
      [true, false],
    ]);
    routes.route(event(end));
    stop();
    routes.route(event("c"));
    expect(lookers).toEqual([true, false, false]);
  });

  test("does not offer what turns out to be a turn of ours", () => {
    const routes = newRoutes();
    const offered: string[] = [];
    routes.watch("thread-1", (turnId) => {
      offered.push(turnId);
      return undefined;
    });
    const pending = routes.expect("thread-1");
    for (const one of [event("a"), event("x", "turn-2")]) routes.route(one);
    expect(offered).toEqual([]);
    const follower = new Recorder(routes);
    pending.claim("turn-1", follower);
    pending.settle();
    expect([follower.got, offered]).toEqual([["a"], ["turn-2"]]);
  });

  test("gets what came before, if somebody expected a thread that was not known", () => {
    const routes = newRoutes();
    const ours = follow(routes);
    routes.route(event("too early", "turn-9", "thread-9"));
    const settle = routes.keepStrays();
    routes.route(event("a", "turn-9", "thread-9"));
    routes.route(event("b", "turn-8", "thread-8"));
    const got: string[] = [];
    routes.watch("thread-9", (turnId, { params }) => {
      got.push(`${turnId} ${(params as { delta: string }).delta}`);
      return undefined;
    });
    settle();
    settle();
    routes.watch("thread-8", () => {
      got.push("must not be here any more");
      return undefined;
    });
    expect([got, ours.got]).toEqual([["turn-9 a"], []]);
  });
});

describe("a turn that is announced under another id", () => {
  const start = { method: "turn/started", params: { threadId: "thread-1", turn: { id: "alias" } } };

  class Review extends Recorder {
    get adoptsStart(): boolean {
      return !this.got.includes("turn/started");
    }
  }

  test.each(["before", "after"])("gets its start, %s the answer tells its id", (when) => {
    const routes = newRoutes();
    const follower = new Review(routes);
    const pending = routes.expect("thread-1");
    routes.route(event("entered"));
    if (when === "before") routes.route(start);
    pending.claim("turn-1", follower);
    pending.settle();
    if (when === "after") routes.route(start);
    routes.route({ ...start });
    routes.route(event(end));
    expect(follower.got).toEqual(["entered", "turn/started", end]);
    expect(routes.size).toBe(0);
  });
});

describe("whether a handle follows a turn", () => {
  test("is clear at once when nothing is being started, or when one does", () => {
    const routes = newRoutes();
    expect(routes.of("thread-1")?.whenSettled("turn-1")).toBeUndefined();
    const follower = follow(routes);
    routes.expect("thread-1");
    expect(routes.of("thread-1")?.whenSettled("turn-1")).toBeUndefined();
    expect(routes.followersOf("thread-1", "turn-1")).toEqual([follower]);
    expect(routes.followersOf("thread-1", "turn-2")).toEqual([]);
    expect(routes.followersOf("thread-2", "turn-2")).toEqual([]);
  });

  test("is clear as soon as every start on the thread has got its id", async () => {
    const routes = newRoutes();
    const [one, two] = [routes.expect("thread-1"), routes.expect("thread-1")];
    const order: string[] = [];
    const settled = routes
      .of("thread-1")
      ?.whenSettled("turn-1")
      ?.then(() => order.push("settled"));
    one.settle();
    await Promise.resolve();
    order.push("second");
    two.settle();
    await settled;
    expect(order).toEqual(["second", "settled"]);
  });

  test("a message is delivered to it even when the message names no turn", () => {
    const routes = newRoutes();
    const follower = follow(routes);
    routes.deliver("thread-1", "turn-1", { method: "serverRequest/resolved", params: {} });
    routes.deliver("thread-1", "turn-2", { method: "serverRequest/resolved", params: {} });
    expect(follower.got).toEqual(["serverRequest/resolved"]);
  });
});
