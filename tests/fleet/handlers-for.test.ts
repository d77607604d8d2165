import { expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import path from "node:path";
import { Deferred } from "../../lib/async/deferred.js";
import { defer, type ApprovalRequest } from "../../lib/index.js";
import type { TurnJobInfo } from "../../lib/fleet/index.js";
import { reply } from "../../lib/testing/index.js";
import { callersOf, deployTool } from "../support/deploy-tool.js";
import { fleetOptions } from "../support/fleet-database.js";
import { eventsOf, FleetStage, requestOf, sharedServer, until } from "../support/fleet-stage.js";
import { RedisServer } from "../support/redis-server.js";
import { FleetChild } from "./kills/child.js";

const shared = sharedServer({
  config: { features: { default_mode_request_user_input: true } },
});

const question = {
  id: "colour",
  header: "Colour",
  question: "Which colour?",
  options: [{ label: "red", description: "Like a rose" }],
};
// Within the sandbox: a command that is approved runs there first, and a slow server takes a refusal of it for the answer.
const careful = { approvalPolicy: "untrusted", sandbox: "workspace-write" } as const;

test("what a turn asks goes to the handlers of its job, and what they leave out waits for an answer", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new FleetStage(shared.server, fleetOptions(redis));
  const file = path.join(shared.stage.project, "own-handler");
  shared.stage.model.enqueue(
    [reply.shell(`touch ${file}`)],
    [reply.requestUserInput([question])],
    [reply.text("Done.")],
  );
  const infos: TurnJobInfo[] = [];
  const asked: ApprovalRequest[] = [];
  await fleet.worker({
    handlersFor: (info) => {
      infos.push(info);
      return {
        onApproval: (request) => {
          asked.push(request);
          return "accept";
        },
      };
    },
  });
  const job = await fleet.queue.add({
    newThread: { cwd: shared.stage.project, ...careful },
    input: "Touch it",
    owner: "ada",
  });
  const approval = await requestOf(job, "command");
  const key = await requestOf(job, "questions");
  expect(asked).toHaveLength(1);
  // It was answered here.
  await expect(job.answer(approval, "decline")).rejects.toMatchObject({
    refusalCode: "REQUEST_NOT_PENDING",
  });
  await job.answer(key, { colour: ["red"] });
  await expect(job.result()).resolves.toMatchObject({ finalResponse: "Done." });
  await until(() => existsSync(file));
  expect(infos[0]).toMatchObject({ id: job.id, owner: "ada", threadId: undefined });
  expect(infos.at(-1)).toMatchObject({ id: job.id, owner: "ada", threadId: await job.threadId() });
});

test("after a change of workers what is still asked goes to the handlers that the second one gives", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new FleetStage(shared.server, fleetOptions(redis));
  const file = path.join(shared.stage.project, "second-handler");
  shared.stage.model.enqueue([reply.shell(`touch ${file}`)], [reply.text("Touched.")]);
  const firstAsked = new Deferred<string>();
  const first = await fleet.worker({
    handlersFor: () => ({
      onApproval: (_, { key }) => {
        firstAsked.resolve(key);
        // Its signal aborts when somebody else has the turn.
        return defer();
      },
    }),
  });
  const job = await fleet.queue.add({
    newThread: { cwd: shared.stage.project, ...careful },
    input: "Touch it",
    owner: "bob",
  });
  const key = await firstAsked.promise;
  await job.threadId();
  await first.close();
  expect(existsSync(file)).toBe(false);
  const second: { readonly key: string; readonly owner: string; readonly threadId: unknown }[] = [];
  await fleet.worker({
    handlersFor: ({ owner, threadId }) => ({
      onApproval: (_, context) => {
        second.push({ key: context.key, owner, threadId });
        return "accept";
      },
    }),
  });
  await expect(job.result()).resolves.toMatchObject({ finalResponse: "Touched." });
  expect(second).toEqual([{ key, owner: "bob", threadId: await job.threadId() }]);
  await until(() => existsSync(file));
  const parts = (await eventsOf(job)).map(({ part }) => part.type);
  expect(parts.filter((type) => type === "request")).toHaveLength(1);
  expect(parts.filter((type) => type === "request-end")).toHaveLength(1);
});

test("a tool call that is open when its worker is killed is carried out again by the next, and shown once", async () => {
  await using redis = await RedisServer.start();
  await using fleet = new FleetStage(shared.server, fleetOptions(redis));
  const deployLog = path.join(shared.stage.project, "deploys");
  shared.stage.model.enqueue([reply.functionCall("deploy")], [reply.text("It is out.")]);
  const lock = { lockDuration: 2_000, stalledInterval: 500 };
  const killed = new FleetChild({
    ...{
      role: "worker",
      port: 0,
      servers: [shared.server.url],
      concurrency: 1,
      ...lock,
      deployLog,
    },
    database: { kind: redis.kind, url: redis.url },
  });
  await killed.start();
  const job = await fleet.queue.add({ newThread: { cwd: shared.stage.project }, input: "Deploy" });
  const seen = eventsOf(job);
  await until(async () => (await callersOf(deployLog)).length === 1);
  const threadId = await job.threadId();
  for await (const { part } of job.stream()) if (part.type === "tool-start") break;
  await killed.kill();
  await fleet.worker({ ...lock, handlersFor: () => ({ tools: [deployTool(deployLog)] }) });
  await expect(job.result()).resolves.toMatchObject({ threadId, finalResponse: "It is out." });
  const callers = await callersOf(deployLog);
  expect(callers).toHaveLength(2);
  expect(callers.at(-1)).toBe(String(process.pid));
  const outputs = shared.stage.model.requests.at(-1)?.toolOutputs ?? [];
  expect(outputs.map(({ output }) => output)).toEqual(["deployed"]);
  const parts = (await seen).map(({ part }) => part);
  expect(parts.filter(({ type }) => type === "tool-start")).toHaveLength(1);
  const ends = parts.filter(({ type }) => type === "tool-end");
  expect(ends).toMatchObject([{ status: "completed" }]);
  const shown = parts.map((part) => (part.type === "tool-output" ? part.delta : ""));
  expect(shown.join("")).toBe("deployed");
});
