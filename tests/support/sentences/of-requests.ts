import { expect } from "@jest/globals";
import { mkdir, writeFile } from "node:fs/promises";
import {
  CommandEndedError,
  CommandNotStartedError,
  FileSystemError,
  InvalidParamsError,
  JsonRpcError,
  MethodNotFoundError,
  ThreadArchivedError,
  ThreadBusyError,
  ThreadNotFoundError,
  TurnNotActiveError,
  GoalsUnavailableError,
  type Thread,
} from "../../../lib/index.js";
import { reply } from "../../../lib/testing/index.js";
import type { SentenceName } from "../../../lib/errors/server-sentences.js";
import type { HeardServer } from "../heard-server.js";
import { rejection, type RealStage } from "../real.js";
import { nobody, refusal, type Saying, type Shared } from "./saying.js";

const input = [{ type: "text" as const, text: "Hi", text_elements: [] }];

/** A thread that has run a turn. */
export async function usedThread({ client }: HeardServer, stage: RealStage): Promise<Thread> {
  const thread = await client.startThread({ cwd: stage.project });
  stage.model.enqueueFor(thread.id, reply.text("Hello."));
  await thread.run("Hi");
  return thread;
}

/** Does something while a turn runs, and lets that end. */
export async function whileRunning<T>(
  { client }: HeardServer,
  stage: RealStage,
  act: (thread: Thread, turnId: string) => Promise<T>,
): Promise<T> {
  const thread = await client.startThread({ cwd: stage.project });
  const gate = reply.hold();
  stage.model.enqueueFor(thread.id, reply.text(["One ", gate, "two."]));
  const turn = thread.turn("Count");
  await gate.reached;
  try {
    return await act(thread, (await turn.started).id);
  } finally {
    gate.release();
    await turn.run();
  }
}

async function whileReviewing(
  { client }: HeardServer,
  stage: RealStage,
  act: (thread: Thread, turnId: string) => Promise<Saying>,
): Promise<Saying> {
  const thread = await client.startThread({ cwd: stage.project });
  const gate = reply.hold();
  stage.model.enqueueFor(
    ({ subagent, parentThreadId }) => subagent === "review" && parentThreadId === thread.id,
    [gate, reply.text("All fine.")],
  );
  const review = thread.review({ type: "custom", instructions: "Look" });
  await gate.reached;
  try {
    return await act(thread, (await review.started).id);
  } finally {
    gate.release();
    await review.run();
  }
}

/** The server quotes a value, which is in no error of ours. */
async function quoted(
  server: HeardServer,
  method: Parameters<HeardServer["client"]["request"]>[0],
  params: object,
  value: string,
): Promise<Saying> {
  const error = await rejection(server.client.request(method, params));
  const text = server.refusals.at(-1) ?? "";
  return {
    text,
    decides: () => {
      expect(error).toBeInstanceOf(JsonRpcError);
      expect(text).toContain(value);
      expect(error.message).not.toContain(value);
      expect(error).toMatchObject({ serverMessage: expect.not.stringContaining(value) });
    },
  };
}

const canary = "sk-canary-0123456789";

export interface FileParams {
  readonly path: string;
  readonly dataBase64?: string;
  readonly recursive?: boolean;
}

/** A request of files that the system refuses. */
export function file(
  server: HeardServer,
  errno: string,
  method: "fs/createDirectory" | "fs/readDirectory" | "fs/readFile" | "fs/remove" | "fs/writeFile",
  params: FileParams,
): Promise<Saying> {
  const call = server.client.request(method, params);
  return refusal(server, call, FileSystemError, { errno });
}

/** What a plain request is refused with, on a server that many share. */
export const ofRequests: Partial<Record<SentenceName, Shared>> = {
  unknownMethod: (server) =>
    refusal(
      server,
      server.client.request("thread/fly" as never, {} as never),
      MethodNotFoundError,
      {
        serverMessage: "the server does not know this method.",
      },
    ),

  invalidRequest: (server) =>
    refusal(server, server.client.request("thread/read", {} as never), InvalidParamsError),

  invalidThreadId: (server) =>
    refusal(server, server.client.request("thread/read", { threadId: "x" }), InvalidParamsError),

  invalidSessionId: (server) =>
    refusal(server, server.client.request("thread/resume", { threadId: "x" }), InvalidParamsError),

  mustNotBeEmpty: async (server, stage) => {
    const { id: threadId } = await server.client.startThread({ cwd: stage.project });
    const params = { threadId, expectedTurnId: "", input };
    return refusal(server, server.client.request("turn/steer", params), InvalidParamsError);
  },

  noRollout: (server) =>
    refusal(
      server,
      server.client.request("thread/resume", { threadId: nobody }),
      ThreadNotFoundError,
    ),

  notMaterialized: async (server, stage) => {
    const thread = await server.client.startThread({ cwd: stage.project });
    const call = server.client.request("thread/turns/list", { threadId: thread.id });
    const saying = await refusal(server, call, ThreadNotFoundError);
    return {
      ...saying,
      decides: async () => {
        saying.decides();
        expect(await thread.turns().all()).toEqual([]);
      },
    };
  },

  noArchivedRollout: (server) =>
    refusal(
      server,
      server.client.request("thread/unarchive", { threadId: nobody }),
      ThreadNotFoundError,
      { message: expect.stringContaining("whether the thread is archived") },
    ),

  sessionArchived: async (server, stage) => {
    const thread = await usedThread(server, stage);
    await thread.archive();
    const call = server.client.request("thread/resume", { threadId: thread.id });
    return refusal(server, call, ThreadArchivedError, {
      message: expect.stringContaining(`thread ${thread.id} is archived`),
    });
  },

  threadNotFound: async (server, stage) => {
    const thread = await usedThread(server, stage);
    await thread.unsubscribe();
    while ((await server.client.loadedThreads().all()).includes(thread.id));
    const params = { threadId: thread.id, input };
    const saying = await refusal(
      server,
      server.client.request("turn/start", params),
      ThreadNotFoundError,
    );
    return {
      ...saying,
      decides: async () => {
        saying.decides();
        stage.model.enqueueFor(thread.id, reply.text("Here again."));
        expect(await thread.run("Hi")).toMatchObject({ finalResponse: "Here again." });
      },
    };
  },

  threadNotLoaded: (server) =>
    refusal(
      server,
      server.client.request("thread/read", { threadId: nobody }),
      ThreadNotFoundError,
    ),

  noTurnsStored: async (server) => {
    const thread = await server.client.startThread();
    const call = server.client.request("thread/read", { threadId: thread.id, includeTurns: true });
    const saying = await refusal(server, call, MethodNotFoundError, {
      message: expect.stringContaining("has no stored history before its first turn"),
    });
    return {
      ...saying,
      decides: async () => {
        saying.decides();
        // From now on, the server says the same when it is to list them.
        expect(await thread.turns().all()).toEqual([]);
        expect(await thread.items().all()).toEqual([]);
      },
    };
  },

  noItemsStored: async (server) => {
    const { id: threadId } = await server.client.startThread({ ephemeral: true });
    const call = server.client.request("thread/items/list", { threadId });
    return refusal(server, call, MethodNotFoundError, {
      message: expect.stringContaining("has no stored items before its first turn"),
    });
  },

  activeOrPendingTurn: (server, stage) =>
    whileRunning(server, stage, async ({ id: threadId }) => {
      const id = "queued";
      await server.client.request("thread/queue/add", { threadId, clientUserMessageId: id, input });
      const call = server.client.request("thread/queue/start", { threadId });
      return refusal(server, call, ThreadBusyError);
    }),

  cannotSteer: (server, stage) =>
    whileReviewing(server, stage, ({ id: threadId }, expectedTurnId) => {
      const call = server.client.request("turn/steer", { threadId, expectedTurnId, input });
      return refusal(server, call, ThreadBusyError);
    }),

  activeTurnNotSteerable: (server, stage) =>
    whileReviewing(server, stage, ({ id: threadId }) =>
      refusal(server, server.client.request("turn/start", { threadId, input }), ThreadBusyError),
    ),

  outputSchemaMismatch: (server, stage) =>
    whileRunning(server, stage, ({ id: threadId }) => {
      const outputSchema = { type: "object", properties: {}, additionalProperties: false };
      const call = server.client.request("turn/start", { threadId, input, outputSchema });
      return refusal(server, call, ThreadBusyError);
    }),

  noActiveTurn: async (server, stage) => {
    const { id: threadId } = await usedThread(server, stage);
    const call = server.client.request("turn/interrupt", { threadId, turnId: nobody });
    return refusal(server, call, TurnNotActiveError);
  },

  otherActiveTurn: (server, stage) =>
    whileRunning(server, stage, ({ id: threadId }) => {
      const call = server.client.request("turn/interrupt", { threadId, turnId: nobody });
      return refusal(server, call, TurnNotActiveError);
    }),

  goalsUnsupported: async (server) => {
    const { id: threadId } = await server.client.startThread({ ephemeral: true });
    const call = server.client.request("thread/goal/set", { threadId, objective: "Reach it" });
    return refusal(server, call, GoalsUnavailableError);
  },

  failedToSpawn: (server) => {
    const sandboxPolicy = { type: "dangerFullAccess" } as const;
    const params = { command: ["no-such-program"], sandboxPolicy };
    return refusal(server, server.client.request("command/exec", params), CommandNotStartedError);
  },

  noActiveCommand: (server) => {
    const params = { processId: "none", deltaBase64: "aGk=" };
    const call = server.client.request("command/exec/write", params);
    return refusal(server, call, CommandEndedError);
  },

  commandNoLongerRuns: async (server, stage) => {
    // What it has started still holds its output.
    const options = { stdin: true, sandbox: "danger-full-access", cwd: stage.project } as const;
    const command = server.client.exec(["sh", "-c", "sleep 3 & exit 0"], options);
    const earlier = server.refusals.length;
    let error: unknown;
    while (error === undefined) {
      await command.write("x").catch((reason: unknown) => (error = reason));
    }
    // A write is tried again, and after some seconds the server forgets the command.
    const text = server.refusals[earlier] ?? "";
    await command.exit;
    return {
      text,
      decides: () => {
        expect(error).toBeInstanceOf(CommandEndedError);
      },
    };
  },

  ENOENT: (server, stage) =>
    file(server, "ENOENT", "fs/readFile", { path: `${stage.project}/none` }),

  EEXIST: (server, { project: path }) =>
    file(server, "EEXIST", "fs/createDirectory", { path, recursive: false }),

  EISDIR: (server, { project: path }) =>
    file(server, "EISDIR", "fs/writeFile", { path, dataBase64: "" }),

  ENOTDIR: async (server, stage) => {
    const path = `${stage.project}/a-file`;
    await writeFile(path, "");
    return file(server, "ENOTDIR", "fs/readDirectory", { path });
  },

  ENOTEMPTY: async (server, stage) => {
    const path = `${stage.project}/full`;
    await mkdir(`${path}/below`, { recursive: true });
    return file(server, "ENOTEMPTY", "fs/remove", { path, recursive: false });
  },

  notAFile: (server, stage) => {
    const call = server.client.request("fs/readFile", { path: stage.project });
    return refusal(server, call, FileSystemError, {
      errno: "EISDIR",
      message: expect.not.stringContaining(stage.project),
    });
  },

  quotedVariant: async (server) => {
    const params = { threadId: nobody, input, approvalPolicy: canary };
    return quoted(server, "turn/start", params, canary);
  },

  quotedValue: (server) => quoted(server, "thread/read", { threadId: 123_454_321 }, "123454321"),

  quotedProvider: (server) => quoted(server, "thread/start", { modelProvider: canary }, canary),
};
