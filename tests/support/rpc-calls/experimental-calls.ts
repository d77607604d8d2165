import type { ClientRequestMethod } from "../../../lib/index.js";
import { nobody, refused, type RpcCalls } from "./rpc-call.js";

const text = [{ type: "text" as const, text: "Hello?" }];
const fixedProvider = /session[ -]flags/;
const noPairing = /requires remote control to be enabled/;
const noRemote = /requires ChatGPT authentication/;

const theServerItself: RpcCalls = {
  "mock/experimentalMethod": ({ rpc }) => rpc.mock.experimentalMethod({ value: "hello" }),
  "server/diagnostics": ({ rpc }) => rpc.server.diagnostics(),
  "collaborationMode/list": ({ rpc }) => rpc.collaborationMode.list(),
  "userVerification/status": ({ rpc }) => rpc.userVerification.status(),
  "userVerification/cancel": ({ rpc }) => rpc.userVerification.cancel({ requestId: "none" }),
};

const accounts: RpcCalls = {
  "accountSession/list": ({ rpc }) => rpc.accountSession.list(),
  "accountSession/switch": refused(/requires a managed ChatGPT login/, ({ rpc }) =>
    rpc.accountSession.switch({ sessionId: "none", accountId: "none" }),
  ),
  "account/bedrock/discover": ({ rpc }) => rpc.account.bedrock.discover(),
  "account/bedrock/checkGovCloudRequirements": ({ rpc }) =>
    rpc.account.bedrock.checkGovCloudRequirements(),
  "account/bedrock/setup": refused(fixedProvider, ({ rpc }) =>
    rpc.account.bedrock.setup({ type: "environment", region: "none" }),
  ),
  "account/gcp/setup": refused(fixedProvider, ({ rpc }) =>
    rpc.account.gcp.setup({ projectId: "none" }),
  ),
};

const remoteControlAndEnvironments: RpcCalls = {
  "remoteControl/status/read": ({ rpc }) => rpc.remoteControl.status.read(),
  "remoteControl/disable": ({ rpc }) => rpc.remoteControl.disable({ ephemeral: true }),
  "remoteControl/pairing/start": refused(noPairing, ({ rpc }) => rpc.remoteControl.pairing.start()),
  "remoteControl/pairing/status": refused(noPairing, ({ rpc }) =>
    rpc.remoteControl.pairing.status({ pairingCode: "none" }),
  ),
  "remoteControl/client/list": refused(noRemote, ({ rpc }) =>
    rpc.remoteControl.client.list({ environmentId: "none" }),
  ),
  "remoteControl/client/revoke": refused(noRemote, ({ rpc }) =>
    rpc.remoteControl.client.revoke({ environmentId: "none", clientId: "none" }),
  ),
  "environment/add": ({ rpc, modelUrl }) =>
    rpc.environment.add({ environmentId: "far", execServerUrl: modelUrl.replace("http", "ws") }),
  "environment/status": ({ rpc }) => rpc.environment.status({ environmentId: "none" }),
  "environment/info": refused(/unknown environment/, ({ rpc }) =>
    rpc.environment.info({ environmentId: "none" }),
  ),
};

const projects: RpcCalls = {
  "project/create": async (scene) => {
    const roots = [{ path: scene.dir }];
    const created = await scene.rpc.project.create({ name: "One", roots, idempotencyKey: "one" });
    scene.projectId = created.project.id;
    return created;
  },
  "project/import": ({ rpc, dir }) =>
    rpc.project.import({ name: "Two", roots: [{ path: dir }], idempotencyKey: "two" }),
  "project/list": ({ rpc }) => rpc.project.list(),
  "project/read": ({ rpc, projectId }) => rpc.project.read({ projectId }),
  "project/update": ({ rpc, projectId }) => rpc.project.update({ projectId, name: "Three" }),
  "project/move": ({ rpc, projectId }) => rpc.project.move({ projectId }),
  "project/delete": ({ rpc, projectId }) => rpc.project.delete({ projectId }),
};

const processesSearchesAndEvents: RpcCalls = {
  "process/spawn": ({ rpc, dir }) =>
    rpc.process.spawn({
      command: [process.execPath],
      processHandle: "node",
      cwd: dir,
      tty: true,
    }),
  "process/resizePty": ({ rpc }) =>
    rpc.process.resizePty({ processHandle: "node", size: { rows: 24, cols: 80 } }),
  "process/writeStdin": ({ rpc }) =>
    rpc.process.writeStdin({ processHandle: "node", deltaBase64: "aGVsbG8=" }),
  "process/kill": ({ rpc }) => rpc.process.kill({ processHandle: "node" }),
  "fuzzyFileSearch/sessionStart": ({ rpc, dir }) =>
    rpc.fuzzyFileSearch.sessionStart({ sessionId: "search", roots: [dir] }),
  "fuzzyFileSearch/sessionUpdate": ({ rpc }) =>
    rpc.fuzzyFileSearch.sessionUpdate({ sessionId: "search", query: "f" }),
  "fuzzyFileSearch/sessionStop": ({ rpc }) =>
    rpc.fuzzyFileSearch.sessionStop({ sessionId: "search" }),
  "plugin/search": ({ rpc }) => rpc.plugin.search({ searchTerm: "none" }),
  "mcpServer/event/stream/start": refused(/only supported for hosted apps/, ({ rpc, threadId }) =>
    rpc.mcpServer.event.stream.start({
      threadId,
      server: "none",
      subscriptionId: "events",
      name: "none",
      arguments: {},
    }),
  ),
  "mcpServer/event/stream/stop": ({ rpc }) =>
    rpc.mcpServer.event.stream.stop({ subscriptionId: "events" }),
};

const memoryAndSearch: RpcCalls = {
  "memory/status": ({ rpc }) => rpc.memory.status(),
  "memory/reset": ({ rpc }) => rpc.memory.reset(),
  "rollout/compress": ({ rpc }) => rpc.rollout.compress(),
  "thread/memory/read": ({ rpc, threadId }) => rpc.thread.memory.read({ threadId }),
  "thread/memoryMode/set": ({ rpc, threadId }) =>
    rpc.thread.memoryMode.set({ threadId, mode: "disabled" }),
  "thread/search": ({ rpc }) => rpc.thread.search({ searchTerm: "Hello" }),
  "thread/search/cancel": ({ rpc }) => rpc.thread.search.cancel({ requestId: "none" }),
  "thread/search/stream": ({ rpc }) => rpc.thread.search.stream({ searchTerm: "Hello" }),
  "thread/search/stream/cancel": ({ rpc }) =>
    rpc.thread.search.stream.cancel({ requestId: "none" }),
  "thread/searchOccurrences": ({ rpc, threadId }) =>
    rpc.thread.searchOccurrences({ threadId, searchTerm: "Hello" }),
  "thread/timeline/list": ({ rpc, threadId }) => rpc.thread.timeline.list({ threadId }),
  "thread/items/read": ({ rpc, threadId, turnId }) =>
    rpc.thread.items.read({ threadId, turnId, itemIds: ["none"] }),
};

const threadsAndTurns: RpcCalls = {
  "thread/settings/update": ({ rpc, threadId }) =>
    rpc.thread.settings.update({ threadId, effort: "low" }),
  "thread/increment_elicitation": ({ rpc, threadId }) =>
    rpc.thread.increment_elicitation({ threadId }),
  "thread/decrement_elicitation": ({ rpc, threadId }) =>
    rpc.thread.decrement_elicitation({ threadId }),
  "thread/backgroundTerminals/list": ({ rpc, threadId }) =>
    rpc.thread.backgroundTerminals.list({ threadId }),
  "thread/backgroundTerminals/terminate": ({ rpc, threadId }) =>
    rpc.thread.backgroundTerminals.terminate({ threadId, processId: "1" }),
  "thread/backgroundTerminals/clean": ({ rpc, threadId }) =>
    rpc.thread.backgroundTerminals.clean({ threadId }),
  "thread/prepareApprovedPlan": ({ rpc, threadId }) =>
    rpc.thread.prepareApprovedPlan({ threadId, markdown: "# First" }),
  "thread/readState/update": refused(/read state/, ({ rpc, threadId }) =>
    rpc.thread.readState.update({
      threadId,
      operation: { type: "read" },
      expectedRevision: "none",
    }),
  ),
  "thread/guardianReview": refused(/expected a completed plaintext/, ({ rpc, threadId }) =>
    rpc.thread.guardianReview({ threadId }),
  ),
  "thread/prediction/request": refused(/is not implemented yet/, ({ rpc, threadId, turnId }) =>
    rpc.thread.prediction.request({ threadId, sourceTurnId: turnId }),
  ),
  "thread/sample": refused(/requires a loaded source/, ({ rpc }) =>
    rpc.thread.sample({ threadId: nobody, expectedTurnId: nobody, prompt: "What if?" }),
  ),
  "thread/sample/cancel": ({ rpc }) => rpc.thread.sample.cancel({ requestId: "none" }),
  "turn/settings/update": refused(/step_model_switching/, ({ rpc, threadId, turnId }) =>
    rpc.turn.settings.update({ threadId, turnId, effort: "low" }),
  ),
};

const queuedTurns: RpcCalls = {
  "thread/queue/add": refused(/no rollout found/, ({ rpc }) =>
    rpc.thread.queue.add({ threadId: nobody, input: text, clientUserMessageId: "one" }),
  ),
  "thread/queue/list": ({ rpc, threadId }) => rpc.thread.queue.list({ threadId }),
  "thread/queue/start": refused(/queue is empty/, ({ rpc, threadId }) =>
    rpc.thread.queue.start({ threadId }),
  ),
  "thread/queue/update": refused(/queued submission not found/, ({ rpc, threadId }) =>
    rpc.thread.queue.update({ threadId, queuedSubmissionId: nobody, input: text }),
  ),
  "thread/queue/reorder": ({ rpc, threadId }) =>
    rpc.thread.queue.reorder({ threadId, queuedSubmissionIds: [] }),
  "thread/queue/delete": ({ rpc, threadId }) =>
    rpc.thread.queue.delete({ threadId, queuedSubmissionId: nobody }),
};

const realtime: RpcCalls = {
  "thread/realtime/list": ({ rpc, threadId }) => rpc.thread.realtime.list({ threadId }),
  "thread/realtime/listVoices": ({ rpc }) => rpc.thread.realtime.listVoices(),
  "thread/realtime/start": refused(/thread not found/, ({ rpc }) =>
    rpc.thread.realtime.start({ threadId: nobody, outputModality: "text" }),
  ),
  "thread/realtime/appendAudio": ({ rpc, threadId }) =>
    rpc.thread.realtime.appendAudio({
      threadId,
      audio: { data: "aGVsbG8=", sampleRate: 24_000, numChannels: 1 },
    }),
  "thread/realtime/appendText": ({ rpc, threadId }) =>
    rpc.thread.realtime.appendText({ threadId, text: "Hello" }),
  "thread/realtime/appendSpeech": ({ rpc, threadId }) =>
    rpc.thread.realtime.appendSpeech({ threadId, text: "Hello" }),
  "thread/realtime/stop": ({ rpc, threadId }) => rpc.thread.realtime.stop({ threadId }),
};

/** Every experimental method that is safe to call here. */
export const experimentalCalls: Readonly<Record<string, RpcCalls>> = {
  "the server itself": theServerItself,
  accounts,
  "remote control and environments": remoteControlAndEnvironments,
  projects,
  "processes, searches and events": processesSearchesAndEvents,
  "memory and search": memoryAndSearch,
  "threads and turns": threadsAndTurns,
  "queued turns": queuedTurns,
  realtime,
};

/** The experimental methods that must not be called here, and why. */
export const experimentalNotCalled: Partial<Record<ClientRequestMethod, string>> = {
  "remoteControl/enable": "opens the machine to a service on the network",
  "userVerification/enroll": "may ask the person at the machine for a fingerprint",
  "userVerification/verify": "may ask the person at the machine for a fingerprint",
  "userVerification/delete": "removes what the person at the machine has enrolled",
};
