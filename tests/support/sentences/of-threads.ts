import { expect } from "@jest/globals";
import { readdir, truncate } from "node:fs/promises";
import path from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { SentenceName } from "../../../lib/errors/server-sentences.js";
import {
  ExperimentalApiError,
  ExternalClockError,
  GoalsUnavailableError,
  InternalRpcError,
  isRetryableError,
  RequestTimeoutError,
  ServerBusyError,
  ServerDrainingError,
  SettingNotAllowedError,
  SettingsLoosenedError,
  ThreadBusyError,
  TurnFailedError,
} from "../../../lib/index.js";
import { reply, type ModelRequest } from "../../../lib/testing/index.js";
import { HeardServer } from "../heard-server.js";
import { ListeningServer } from "../listening-server.js";
import { managedCodex } from "../managed-codex.js";
import { rejection, type RealStage } from "../real.js";
import { usedThread } from "./of-requests.js";
import { refusal, type Alone, type Saying } from "./saying.js";

/** What it takes a server of its own to say: of threads and turns. */
export const ofThreads: Partial<Record<SentenceName, Alone>> = {
  overloaded: async (stage) => {
    const size = 1_500;
    await using server = await HeardServer.start(stage, { maxInFlight: size });
    // So many at once, and it never answers some of them.
    const ask = () => server.client.request("thread/loaded/list", {}, { timeoutMs: 5_000 });
    const errors: unknown[] = [];
    // Its queue takes 128: it must find more than that before it has begun with the first.
    for (let round = 0; round < 5 && server.refusals.length === 0; round += 1) {
      const asked: Promise<unknown>[] = [];
      await server.findAtOnce(size * 40, () => {
        asked.push(...Array.from({ length: size }, ask));
      });
      for (const outcome of await Promise.allSettled(asked)) {
        if (outcome.status === "rejected") errors.push(outcome.reason);
      }
    }
    const others = errors.filter((error) => !(error instanceof RequestTimeoutError));
    return {
      text: server.refusals.at(-1) ?? "",
      decides: () => {
        for (const error of others) expect(error).toBeInstanceOf(ServerBusyError);
        expect(others.every(isRetryableError)).toBe(true);
      },
    };
  },

  draining: async (stage) => {
    await using server = await ListeningServer.start(stage);
    const client = await server.connect({ reconnect: false });
    const [thread, other] = [await client.startThread(), await client.startThread()];
    const gate = reply.hold();
    stage.model.enqueueFor(thread.id, reply.text(["One ", gate, "two."]));
    const turn = thread.turn("Count");
    await gate.reached;
    server.drain();
    // It shows that it drains by refusing only; what it takes before need not end.
    stage.model.respond(() => reply.text("Not yet."));
    const input = [{ type: "text" as const, text: "Hi", text_elements: [] }];
    let error: unknown;
    while (error === undefined) {
      const starting = client.request("turn/start", { threadId: other.id, input });
      await starting.catch((reason: unknown) => (error = reason));
    }
    gate.release();
    await turn.run().catch(() => undefined);
    return {
      text: (error as ServerDrainingError).serverMessage,
      decides: () => {
        expect(error).toBeInstanceOf(ServerDrainingError);
      },
    };
  },

  noExternalClock: async (stage) => {
    await using server = await HeardServer.start(stage);
    const features = { current_time_reminder: { enabled: true, clock_source: "external" } };
    // A release that asks for the time starts the thread.
    const start = server.client.startThread({ config: { features } });
    const outcome = await start.catch((error: unknown) => error);
    return {
      text: server.refusals.at(-1) ?? "",
      decides: () => {
        expect(outcome).toBeInstanceOf(ExternalClockError);
      },
    };
  },

  needsExperimentalApi: async (stage) => {
    await using server = await HeardServer.start(stage, { experimentalApi: false });
    const call = server.client.searchThreads("Hi").all();
    return await refusal(server, call, ExperimentalApiError);
  },

  goalsDisabled: async (stage) => {
    const config = { ...stage.options().config, features: { goals: false } };
    await using server = await HeardServer.start(stage, { config });
    const thread = await server.client.startThread();
    return await refusal(server, thread.goal.get(), GoalsUnavailableError);
  },

  activeWriter: async (stage) => {
    await using first = await HeardServer.start(stage);
    await using second = await HeardServer.start(stage);
    const { id } = await usedThread(first, stage);
    return await refusal(second, second.client.resumeThread(id), ThreadBusyError, {
      message: expect.stringContaining("Another process has this thread open"),
    });
  },

  rolloutEmpty: async (stage) => {
    await using first = await HeardServer.start(stage);
    const { id: threadId } = await usedThread(first, stage);
    await first.close();
    const files = await readdir(stage.home, { recursive: true });
    const rollout = files.find((file) => file.endsWith(`${threadId}.jsonl`)) ?? "";
    // As it is for a moment while the server writes it for the first time.
    await truncate(path.join(stage.home, rollout));
    await using server = await HeardServer.start(stage);
    const error = await rejection(server.client.resumeThread(threadId));
    const { refusals } = server;
    return {
      text: refusals.at(-1) ?? "",
      decides: () => {
        expect(error).toBeInstanceOf(InternalRpcError);
        // It was tried again, for a second.
        expect(refusals.length).toBeGreaterThanOrEqual(20);
      },
    };
  },

  threadClosing: async (stage) => {
    const config = { ...stage.options().config, thread_unload_delay_secs: 0 };
    await using server = await HeardServer.start(stage, { config });
    const { client } = server;
    const { id: threadId } = await usedThread(server, stage);
    const errors: unknown[] = [];
    const resume = () =>
      client.request("thread/resume", { threadId }).catch((error: unknown) => errors.push(error));
    // For a moment only, while it lets go of the thread: a little later each time.
    for (let round = 0; round < 2_000 && errors.length === 0; round += 1) {
      await client.request("thread/unsubscribe", { threadId });
      await pause((round % 40) / 4);
      await resume();
    }
    const text = server.refusals[0] ?? "";
    const resumed = await client.resumeThread(threadId);
    return {
      text,
      decides: () => {
        for (const error of errors) expect(error).toBeInstanceOf(ThreadBusyError);
        expect(resumed.id).toBe(threadId);
      },
    };
  },

  attemptOf: async (stage) => {
    const { config = {} } = stage.options();
    const providers = { mock: { stream_max_retries: 2 } };
    await using server = await HeardServer.start(stage, {
      config: { ...config, model_providers: merged(config["model_providers"], providers) },
    });
    const thread = await server.client.startThread();
    stage.model.enqueueFor(thread.id, reply.drop(), reply.text("At last."));
    const turn = thread.turn("Hi");
    const retries: unknown[] = [];
    const texts: string[] = [];
    for await (const event of turn) {
      if (event.method !== "error") continue;
      texts.push(event.params.error.message);
      retries.push(turn.state.retry);
    }
    return {
      text: texts[0] ?? "",
      decides: () => {
        expect(retries[0]).toMatchObject({ attempt: 1, maxAttempts: 2, count: 1 });
      },
    };
  },

  unexpectedStatus: async (stage) => {
    await using server = await HeardServer.start(stage);
    const thread = await server.client.startThread();
    stage.model.enqueueFor(thread.id, reply.http(401, { error: { message: "No." } }));
    const error = await rejection(thread.run("Hi"));
    return {
      text: error instanceof TurnFailedError ? (error.result.error?.message ?? "") : "",
      decides: () => {
        expect(error).toBeInstanceOf(TurnFailedError);
        expect(error.message).toContain("Nobody is logged in, or the login is not accepted.");
      },
    };
  },

  endOfVerdict: async (stage) => {
    const logged: string[] = [];
    const logger = { warn: (text: string) => void logged.push(text) };
    await using server = await HeardServer.start(stage, { logger });
    const secret = "Canary";
    const verdict = {
      risk_level: "high",
      user_authorization: "low",
      outcome: "deny",
      rationale: `It is what it is. ${secret}`,
    };
    stage.model.respond(({ subagent, toolOutputs }: ModelRequest) => {
      if (subagent === "guardian") return reply.text(JSON.stringify(verdict));
      if (toolOutputs.length > 0) return reply.text("Done.");
      return reply.shell("touch marker", {
        sandboxPermissions: "require_escalated",
        justification: "It needs to be there.",
      });
    });
    const thread = await server.client.startThread({
      cwd: stage.project,
      approvalPolicy: "on-request",
      sandbox: "read-only",
      approvalsReviewer: "auto_review",
    });
    await thread.run("Make a marker");
    stage.model.respond(undefined);
    const [text = ""] = server.told("guardianWarning", "message");
    return {
      text,
      decides: () => {
        expect(text).toContain(secret);
        const line = logged.find((each) => each.includes("reviewer of approvals"));
        expect(line).toContain("denied");
        expect(line).not.toContain(secret);
        expect(line).not.toContain("what it is");
      },
    };
  },

  environmentContext: async (stage) => {
    await using server = await HeardServer.start(stage);
    await usedThread(server, stage);
    const [request] = stage.model.requests;
    const texts = (request?.input ?? []).flatMap(({ role, content }) =>
      role === "user" ? (content as { text: string }[]).map(({ text }) => text) : [],
    );
    return {
      text: texts.find((text) => text !== "Hi") ?? "",
      decides: () => {
        expect(request?.lastUserText).toBe("Hi");
      },
    };
  },
};

/** What it takes an administrator to say. */
export const ofManaged: Partial<Record<SentenceName, Alone>> = {
  settingForbidden: (stage) =>
    managed(stage, async (server) => {
      const thread = await server.client.startThread({ cwd: stage.project });
      const run = thread.run("Hi", { approvalPolicy: "untrusted" });
      return await refusal(server, run, SettingNotAllowedError);
    }),

  settingReplaced: async (stage) => {
    const config = withoutPolicy(stage);
    const free = await HeardServer.start(stage, { config });
    const thread = await free.client.startThread({ approvalPolicy: "untrusted" });
    stage.model.enqueueFor(thread.id, reply.text("Hello."));
    await thread.run("Hi");
    await free.close();
    return managed(stage, async (server) => {
      const error = await rejection(server.client.resumeThread(thread.id));
      const [text = ""] = server.told("warning", "message");
      return {
        text,
        decides: () => {
          expect(error).toBeInstanceOf(SettingsLoosenedError);
          expect(error).toMatchObject({ setting: "approvalPolicy" });
        },
      };
    });
  },
};

/** Whether an administrator's requirements can be tried on this machine. */
export async function canBeManaged(): Promise<boolean> {
  const codex = await managedCodex("");
  await codex?.[Symbol.asyncDispose]();
  return codex !== undefined;
}

async function managed(
  stage: RealStage,
  act: (server: HeardServer) => Promise<Saying>,
): Promise<Saying> {
  await using codex = await managedCodex('allowed_approval_policies = ["on-request", "never"]\n');
  if (!codex) throw new Error("this machine lets nobody make namespaces");
  const config = withoutPolicy(stage);
  await using server = await HeardServer.start(stage, { command: codex.command, config });
  return await act(server);
}

/** The configuration of a server that says nothing of approvals. */
function withoutPolicy(stage: RealStage): object {
  const all = Object.entries(stage.options().config ?? {});
  return Object.fromEntries(all.filter(([key]) => key !== "approval_policy"));
}

function merged(providers: unknown, changes: Readonly<Record<string, object>>): object {
  const all = providers as Readonly<Record<string, object>>;
  const entries = Object.entries(all).map(([id, one]) => [id, { ...one, ...changes[id] }]);
  return Object.fromEntries(entries) as object;
}
