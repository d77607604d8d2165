import { describe, expect, test } from "@jest/globals";
import { ProtocolError } from "../../../lib/errors/connection-errors.js";
import type { NotificationMessage } from "../../../lib/jsonrpc/message.js";
import { StrayEvents } from "../../../lib/session/stray-events.js";
import { Threads } from "../../../lib/session/threads.js";
import type { TurnFollower } from "../../../lib/session/turn-follower.js";
import { TurnRoutes } from "../../../lib/session/turn-routes.js";
import { UnclaimedEvents } from "../../../lib/session/unclaimed-events.js";
import { initialTurnState } from "../../../lib/turns/turn-state.js";

const event = (text: string): NotificationMessage => ({ method: "item/started", params: { text } });
/** One text for all of them: it is what a server sends that would take the memory. */
const megabyte = "x".repeat(1_000_000);

describe("a search for a turn", () => {
  test("looks at each event once, until it has found the turn", async () => {
    const events = new UnclaimedEvents();
    const looked: unknown[] = [];
    const search = events.search((message) => {
      const { text } = message.params as { text: string };
      looked.push(text);
      return text === "yes";
    });
    for (let count = 0; count < 1_000; count += 1) events.keep("other", event(""));
    events.keep("ours", event("no"));
    events.keep("ours", event("yes"));
    events.keep("ours", event("after"));
    expect(await search.found).toBe("ours");
    expect(looked).toEqual([...Array<string>(1_000).fill(""), "no", "yes"]);
  });
});

describe("more events than can be kept before the answer", () => {
  test("fail the turn that is claimed: it would have a hole", () => {
    const routes = new TurnRoutes(new Threads(() => Promise.resolve([])));
    const pending = routes.expect("thread-1");
    const params = { threadId: "thread-1", turnId: "turn-1", delta: megabyte };
    for (let count = 0; count < 80; count += 1) {
      routes.route({ method: "item/agentMessage/delta", params });
    }
    const failures: Error[] = [];
    const follower: TurnFollower = {
      state: initialTurnState("thread-1"),
      receive: () => {
        throw new Error("nothing was kept");
      },
      lost: (failure) => failures.push(failure()),
    };
    pending.claim("turn-1", follower);
    expect(failures).toEqual([expect.any(ProtocolError)]);
    pending.settle();
    routes.unfollow("thread-1", "turn-1", follower);
    expect(routes.size).toBe(0);
  });

  test("do not matter to the next start", () => {
    const events = new UnclaimedEvents();
    for (let count = 0; count < 80; count += 1) events.keep("turn-1", event(megabyte));
    expect(events.take("turn-1", false)).toBeUndefined();
    expect(events.takeAll()).toEqual([]);
    events.keep("turn-2", event("a"));
    expect(events.take("turn-2", false)).toEqual([event("a")]);
  });

  test("do not keep a search from its end", async () => {
    const events = new UnclaimedEvents();
    const { found } = events.search(({ params }) => (params as { text: string }).text === "yes");
    for (let count = 0; count < 80; count += 1) events.keep("turn", event(megabyte));
    events.keep("late", event("yes"));
    expect(await found).toBe("late");
  });
});

describe("events of threads that nobody knows", () => {
  test("are kept as long as there is room: those of the latest threads", () => {
    const strays = new StrayEvents();
    const stop = strays.open();
    for (let thread = 0; thread < 30; thread += 1) {
      strays.keep(`thread-${thread}`, "turn", event(megabyte));
    }
    strays.keep("thread-29", "turn", event("last"));
    expect(strays.take("thread-0")).toEqual([]);
    const kept = strays.take("thread-29").map(({ message }) => message);
    expect(kept).toEqual([event(megabyte), event("last")]);
    stop();
    expect(strays.take("thread-28")).toEqual([]);
  });

  test("make room when they are taken", () => {
    const strays = new StrayEvents();
    strays.open();
    for (let round = 0; round < 5; round += 1) {
      strays.keep("first", "turn", event("kept"));
      for (let count = 0; count < 12; count += 1) strays.keep("other", "turn", event(megabyte));
      expect(strays.take("other")).toHaveLength(12);
      expect(strays.take("first")).toHaveLength(1);
    }
  });
});
