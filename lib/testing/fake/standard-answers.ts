import type { ClientRequestMethod, ParamsOf, ResultOf } from "../../protocol.js";
import type { ServerConnection } from "../server/server-connection.js";
import { ResponseError } from "../server/message.js";
import { FakeThread } from "./fake-thread.js";
import type { FakeTurns } from "./fake-turns.js";
import {
  initialized,
  listedModel,
  newSettings,
  newThread,
  openedThread,
  policyOf,
  profile,
} from "./records.js";

type Answers = {
  readonly [M in ClientRequestMethod]?: (
    params: ParamsOf<M>,
    connection: ServerConnection,
  ) => ResultOf<M>;
};

/** What the fake server answers unless a test says otherwise: a server on which nothing has happened yet. */
export function standardAnswers(
  threads: Map<string, FakeThread>,
  turns: FakeTurns,
  { version, nextId }: { version: string | undefined; nextId: (kind: string) => string },
): Answers {
  /**
   * A thread that nobody has started is one that is stored, under the strictest settings: clients refuse a
   * thread that is opened with looser ones than it had.
   */
  const threadOf = (id: string): FakeThread => {
    const known = threads.get(id);
    if (known) return known;
    const thread = new FakeThread(newThread(id, {}), newSettings({ approvalPolicy: "untrusted" }));
    threads.set(id, thread);
    return thread;
  };

  const open = (thread: FakeThread, connection: ServerConnection): void => {
    // The answer comes first: only then does the client know what the thread is called.
    setImmediate(() => {
      thread.subscribe(connection);
    });
  };

  const started = (
    params: ParamsOf<"thread/start"> | ParamsOf<"thread/fork">,
    connection: ServerConnection,
  ): FakeThread => {
    const thread = new FakeThread(newThread(nextId("thread"), params), newSettings(params));
    threads.set(thread.id, thread);
    thread.subscribe(connection);
    setImmediate(() => {
      thread.notify("thread/started", { thread: thread.record });
    });
    return thread;
  };

  return {
    initialize: ({ clientInfo }) => initialized(clientInfo.name, version),
    "account/read": () => ({
      account: { type: "apiKey" },
      userId: null,
      requiresOpenaiAuth: true,
      workspaceRouting: null,
    }),
    "model/list": () => ({ data: [listedModel()], nextCursor: null }),
    "config/read": () => ({
      config: { sandbox_mode: "read-only" } as ResultOf<"config/read">["config"],
      origins: {},
      layers: [],
    }),
    "configRequirements/read": () => ({ supportsIndependentSpeedModes: null, requirements: null }),
    "thread/start": (params, connection) => {
      const thread = started(params, connection);
      return openedThread(thread.record, thread.settings);
    },
    "thread/resume": ({ threadId, ...params }, connection) => {
      const thread = threadOf(threadId);
      const { sandbox, permissions, approvalPolicy, approvalsReviewer } = params;
      thread.settings = {
        ...thread.settings,
        ...(approvalPolicy ? { approvalPolicy } : {}),
        ...(approvalsReviewer ? { approvalsReviewer } : {}),
        ...(sandbox ? { sandboxPolicy: policyOf(sandbox) } : {}),
        ...(permissions ? { activePermissionProfile: profile(permissions) } : {}),
      };
      open(thread, connection);
      return {
        ...openedThread(thread.record, thread.settings),
        collaborationMode: null,
        initialTurnsPage: null,
        turnsBackwardsCursor: null,
        itemsBackwardsCursor: null,
      };
    },
    "thread/fork": ({ threadId, ...params }, connection) => {
      const source = threadOf(threadId);
      const thread = started(params, connection);
      thread.record = { ...thread.record, forkedFromId: threadId };
      thread.settings = { ...source.settings, ...settingsIn(params) };
      thread.used = source.used;
      return openedThread(thread.record, thread.settings);
    },
    "thread/unsubscribe": ({ threadId }, connection) => {
      const wasThere = threads.get(threadId)?.subscribers.delete(connection) ?? false;
      return { status: wasThere ? "unsubscribed" : "notSubscribed" };
    },
    "thread/read": ({ threadId, includeTurns }) => {
      const { record, turns: own } = threadOf(threadId);
      const listed = includeTurns ? own.map(({ turn, items }) => ({ ...turn, items })) : [];
      return { thread: { ...record, turns: listed }, readState: null };
    },
    "thread/list": () => ({
      data: [...threads.values()].map(({ record }) => record).reverse(),
      readStates: null,
      nextCursor: null,
      backwardsCursor: null,
    }),
    "thread/loaded/list": () => {
      const loaded = [...threads].filter(([, { subscribers }]) => subscribers.size > 0);
      return { data: loaded.map(([id]) => id), nextCursor: null };
    },
    "thread/turns/list": ({ threadId, limit, sortDirection, itemsView }) => {
      const all = threadOf(threadId).turns.map(({ turn, items }) =>
        itemsView === "notLoaded" ? turn : { ...turn, items, itemsView: itemsView ?? "full" },
      );
      const data = sortDirection === "asc" ? all : all.reverse();
      return { data: data.slice(0, limit ?? undefined), ...lastPage };
    },
    "thread/items/list": ({ threadId, turnId, limit, sortDirection }) => {
      const all = threadOf(threadId).turns.flatMap(({ turn, items }) =>
        items.map((item) => ({
          turnId: turn.id,
          item,
          startedAtMs: Date.now(),
          completedAtMs: Date.now(),
        })),
      );
      const wanted = all.filter((entry) => !turnId || entry.turnId === turnId);
      const data = sortDirection === "desc" ? wanted.reverse() : wanted;
      return { data: data.slice(0, limit ?? undefined), ...lastPage };
    },
    "thread/settings/update": ({ threadId, ...params }) => {
      const thread = threadOf(threadId);
      const { sandboxPolicy, permissions } = params;
      thread.settings = {
        ...thread.settings,
        ...settingsIn(params),
        ...(sandboxPolicy ? { sandboxPolicy } : {}),
        ...(permissions ? { activePermissionProfile: profile(permissions) } : {}),
      };
      const threadSettings = thread.settings;
      thread.notify("thread/settings/updated", { threadId, threadSettings });
      return {};
    },
    "thread/name/set": ({ threadId, name }) => {
      const thread = threadOf(threadId);
      thread.record = { ...thread.record, name };
      thread.notify("thread/name/updated", { threadId, threadName: name });
      return {};
    },
    "thread/queue/list": () => ({ data: [], nextCursor: null }),
    "thread/goal/get": () => ({ goal: null }),
    "thread/backgroundTerminals/list": () => ({ data: [], nextCursor: null }),
    "turn/steer": ({ threadId, input, clientUserMessageId, expectedTurnId }) => {
      const turn = turns.runningOn(threadId);
      if (!turn) throw new ResponseError(-32_600, "no active turn to steer");
      if (turn.id !== expectedTurnId) {
        const found = `expected active turn id \`${expectedTurnId}\` but found \`${turn.id}\``;
        throw new ResponseError(-32_600, found);
      }
      setImmediate(() => {
        turn.take(input, clientUserMessageId);
      });
      return { turnId: turn.id };
    },
    "turn/interrupt": ({ threadId, turnId }) => {
      const turn = turns.runningOn(threadId);
      if (turn?.id !== turnId) throw new ResponseError(-32_600, "no active turn to interrupt");
      setImmediate(() => {
        turn.end("interrupted");
      });
      return {};
    },
  };
}

const lastPage = { nextCursor: null, backwardsCursor: null };

function settingsIn({
  approvalPolicy,
  approvalsReviewer,
  model,
}: Pick<ParamsOf<"thread/settings/update">, "approvalPolicy" | "approvalsReviewer" | "model">) {
  return {
    ...(approvalPolicy ? { approvalPolicy } : {}),
    ...(approvalsReviewer ? { approvalsReviewer } : {}),
    ...(model ? { model } : {}),
  };
}
