import { join } from "node:path";
import type { ClientRequestMethod } from "../../../lib/index.js";
import { nobody, refused, type RpcCalls, type Scene } from "./rpc-call.js";
import { threadCalls } from "./thread-calls.js";

const onWindows = process.platform === "win32";
const noLogin = /codex account authentication required/;
const noSharing = /plugin sharing is not enabled/;
const noProcess = /no active command\/exec/;

const theConnection: RpcCalls = {
  initialize: refused(/Already initialized/, ({ rpc }) =>
    rpc.initialize({ clientInfo: { name: "again", version: "1" } }),
  ),
};

const account: RpcCalls = {
  "account/read": ({ rpc }) => rpc.account.read(),
  "account/login/start": ({ rpc }) =>
    rpc.account.login.start({ type: "apiKey", apiKey: "sk-of-nobody" }),
  "account/login/cancel": ({ rpc }) => rpc.account.login.cancel({ loginId: nobody }),
  "account/logout": ({ rpc }) => rpc.account.logout(),
  "account/rateLimits/read": refused(noLogin, ({ rpc }) => rpc.account.rateLimits.read()),
  "account/rateLimitResetCredit/consume": refused(noLogin, ({ rpc }) =>
    rpc.account.rateLimitResetCredit.consume({ idempotencyKey: "once" }),
  ),
  "account/usage/read": refused(noLogin, ({ rpc }) => rpc.account.usage.read()),
  "account/workspaceMessages/read": refused(noLogin, ({ rpc }) =>
    rpc.account.workspaceMessages.read(),
  ),
  "account/sendAddCreditsNudgeEmail": refused(noLogin, ({ rpc }) =>
    rpc.account.sendAddCreditsNudgeEmail({ creditType: "credits" }),
  ),
  "account/securitySetup/read": ({ rpc }) => rpc.account.securitySetup.read(),
  "account/gatewayOAuth/read": ({ rpc }) => rpc.account.gatewayOAuth.read(),
  "account/gatewayOAuth/login": refused(/does not use gateway OAuth/, ({ rpc }) =>
    rpc.account.gatewayOAuth.login(),
  ),
  "account/gatewayOAuth/cancel": ({ rpc }) => rpc.account.gatewayOAuth.cancel(),
};

const modelsAndFeatures: RpcCalls = {
  "model/list": ({ rpc }) => rpc.model.list(),
  "modelProvider/list": ({ rpc }) => rpc.modelProvider.list(),
  "modelProvider/capabilities/read": ({ rpc }) => rpc.modelProvider.capabilities.read(),
  "modelProvider/config/write": refused(/Unknown provider ID/, ({ rpc, modelUrl }) =>
    rpc.modelProvider.config.write({
      settings: { type: "customGateway", providerId: "other", name: "Other", baseUrl: modelUrl },
    }),
  ),
  "modelProvider/default/set": refused(/is not configured/, ({ rpc }) =>
    rpc.modelProvider.default.set({ providerId: "nobody" }),
  ),
  "experimentalFeature/list": ({ rpc }) => rpc.experimentalFeature.list(),
  "experimentalFeature/enablement/set": ({ rpc }) =>
    rpc.experimentalFeature.enablement.set({ enablement: {} }),
  "permissionProfile/list": ({ rpc }) => rpc.permissionProfile.list(),
};

const hidden = { keyPath: "hide_agent_reasoning", mergeStrategy: "replace" as const };

const configuration: RpcCalls = {
  "config/read": ({ rpc }) => rpc.config.read(),
  "config/value/write": ({ rpc }) => rpc.config.value.write({ ...hidden, value: true }),
  "config/batchWrite": ({ rpc }) => rpc.config.batchWrite({ edits: [{ ...hidden, value: false }] }),
  "configRequirements/read": ({ rpc }) => rpc.configRequirements.read(),
  "config/mcpServer/reload": ({ rpc }) => rpc.config.mcpServer.reload(),
  "externalAgentConfig/detect": ({ rpc, dir }) =>
    rpc.externalAgentConfig.detect({ includeHome: false, cwds: [dir] }),
  "externalAgentConfig/import": ({ rpc }) => rpc.externalAgentConfig.import({ migrationItems: [] }),
  "externalAgentConfig/import/recordHistory": ({ rpc }) =>
    rpc.externalAgentConfig.import.recordHistory({ providerId: "other", itemTypeResults: [] }),
  "externalAgentConfig/import/readHistories": ({ rpc }) =>
    rpc.externalAgentConfig.import.readHistories(),
};

const mcpServers: RpcCalls = {
  "mcpServerStatus/list": ({ rpc }) => rpc.mcpServerStatus.list(),
  "mcpServer/oauth/login": refused(/No MCP server named/, ({ rpc }) =>
    rpc.mcpServer.oauth.login({ name: "none" }),
  ),
  "mcpServer/resource/read": refused(/unknown MCP server/, ({ rpc, threadId }) =>
    rpc.mcpServer.resource.read({ threadId, server: "none", uri: "note://one" }),
  ),
  "mcpServer/tool/call": refused(/unknown MCP server/, ({ rpc, threadId }) =>
    rpc.mcpServer.tool.call({ threadId, server: "none", tool: "echo" }),
  ),
};

const extensions: RpcCalls = {
  "skills/list": ({ rpc, dir }) => rpc.skills.list({ cwds: [dir] }),
  "skills/extraRoots/set": ({ rpc }) => rpc.skills.extraRoots.set({ extraRoots: [] }),
  "skills/config/write": ({ rpc }) => rpc.skills.config.write({ name: "none", enabled: false }),
  "hooks/list": ({ rpc, dir }) => rpc.hooks.list({ cwds: [dir] }),
  "app/list": ({ rpc }) => rpc.app.list(),
  "app/installed": ({ rpc }) => rpc.app.installed(),
  "app/read": ({ rpc }) => rpc.app.read({ appIds: ["none"] }),
  "marketplace/add": refused(/marketplace/, ({ rpc, dir }) =>
    rpc.marketplace.add({ source: join(dir, "none") }),
  ),
  "marketplace/upgrade": refused(/is not configured/, ({ rpc }) =>
    rpc.marketplace.upgrade({ marketplaceName: "none" }),
  ),
  "marketplace/remove": refused(/is not configured/, ({ rpc }) =>
    rpc.marketplace.remove({ marketplaceName: "none" }),
  ),
  "plugin/list": ({ rpc }) => rpc.plugin.list(),
  "plugin/installed": ({ rpc }) => rpc.plugin.installed(),
  "plugin/reconcile": ({ rpc }) => rpc.plugin.reconcile(),
  "plugin/read": refused(/requires exactly one of/, ({ rpc }) =>
    rpc.plugin.read({ pluginName: "none" }),
  ),
  "plugin/install": refused(/requires exactly one of/, ({ rpc }) =>
    rpc.plugin.install({ pluginName: "none" }),
  ),
  "plugin/uninstall": refused(/is not enabled/, ({ rpc }) =>
    rpc.plugin.uninstall({ pluginId: "none" }),
  ),
  "plugin/skill/read": refused(/is not enabled/, ({ rpc }) =>
    rpc.plugin.skill.read({
      remoteMarketplaceName: "none",
      remotePluginId: "none",
      skillName: "none",
    }),
  ),
  "plugin/share/list": refused(noSharing, ({ rpc }) => rpc.plugin.share.list()),
  "plugin/share/save": refused(noSharing, ({ rpc, dir }) =>
    rpc.plugin.share.save({ pluginPath: join(dir, "plugin") }),
  ),
  "plugin/share/updateTargets": refused(noSharing, ({ rpc }) =>
    rpc.plugin.share.updateTargets({
      remotePluginId: "none",
      discoverability: "PRIVATE",
      shareTargets: [],
    }),
  ),
  "plugin/share/checkout": refused(noSharing, ({ rpc }) =>
    rpc.plugin.share.checkout({ remotePluginId: "none" }),
  ),
  "plugin/share/delete": refused(noSharing, ({ rpc }) =>
    rpc.plugin.share.delete({ remotePluginId: "none" }),
  ),
};

const filesAndCommands: RpcCalls = {
  "fs/createDirectory": ({ rpc, dir }) =>
    rpc.fs.createDirectory({ path: join(dir, "a", "b"), recursive: true }),
  "fs/writeFile": ({ rpc, dir }) =>
    rpc.fs.writeFile({ path: join(dir, "a", "f"), dataBase64: "aGVsbG8=" }),
  "fs/readFile": ({ rpc, dir }) => rpc.fs.readFile({ path: join(dir, "a", "f") }),
  "fs/getMetadata": ({ rpc, dir }) => rpc.fs.getMetadata({ path: join(dir, "a", "f") }),
  "fs/readDirectory": ({ rpc, dir }) => rpc.fs.readDirectory({ path: join(dir, "a") }),
  "fs/copy": ({ rpc, dir }) =>
    rpc.fs.copy({ sourcePath: join(dir, "a", "f"), destinationPath: join(dir, "a", "g") }),
  fuzzyFileSearch: ({ rpc, dir }) => rpc.fuzzyFileSearch({ query: "f", roots: [dir] }),
  "fs/watch": ({ rpc, dir }) => rpc.fs.watch({ watchId: "watch", path: join(dir, "a") }),
  "fs/unwatch": ({ rpc }) => rpc.fs.unwatch({ watchId: "watch" }),
  "fs/remove": ({ rpc, dir }) => rpc.fs.remove({ path: join(dir, "a"), recursive: true }),
  "command/exec": ({ rpc }) =>
    rpc.command.exec({
      command: [process.execPath, "--version"],
      sandboxPolicy: { type: "dangerFullAccess" },
    }),
  "command/exec/write": refused(noProcess, ({ rpc }) =>
    rpc.command.exec.write({ processId: "none", closeStdin: true }),
  ),
  "command/exec/resize": refused(noProcess, ({ rpc }) =>
    rpc.command.exec.resize({ processId: "none", size: { rows: 24, cols: 80 } }),
  ),
  "command/exec/terminate": refused(noProcess, ({ rpc }) =>
    rpc.command.exec.terminate({ processId: "none" }),
  ),
  "feedback/save": ({ rpc, dir, threadId }) =>
    rpc.feedback.save({ savePath: join(dir, "feedback.zip"), classification: "bug", threadId }),
  "feedback/upload": refused(/disabled/, ({ rpc }) =>
    rpc.feedback.upload({ classification: "bug" }),
  ),
  "windowsSandbox/readiness": ({ rpc }) => rpc.windowsSandbox.readiness(),
  // Elsewhere it does nothing, and says so in a notification.
  ...(onWindows
    ? {}
    : {
        "windowsSandbox/setupStart": ({ rpc }: Scene) =>
          rpc.windowsSandbox.setupStart({ mode: "unelevated" }),
      }),
};

/* eslint-disable @typescript-eslint/no-deprecated -- they are methods all the same */
const old: RpcCalls = {
  getAuthStatus: ({ rpc }) => rpc.getAuthStatus(),
  getConversationSummary: ({ rpc, threadId }) =>
    rpc.getConversationSummary({ conversationId: threadId }),
  gitDiffToRemote: refused(/failed to compute git diff/, ({ rpc, dir }) =>
    rpc.gitDiffToRemote({ cwd: dir }),
  ),
};
/* eslint-enable @typescript-eslint/no-deprecated */

/** Every stable method that is safe to call here. */
export const stableCalls: Readonly<Record<string, RpcCalls>> = {
  "the connection": theConnection,
  account,
  "models and features": modelsAndFeatures,
  configuration,
  "MCP servers": mcpServers,
  "skills, hooks, apps and plugins": extensions,
  "files and commands": filesAndCommands,
  ...threadCalls,
  "what is left of an older protocol": old,
};

/** The stable methods that must not be called here, and why. */
export const stableNotCalled: Partial<Record<ClientRequestMethod, string>> = onWindows
  ? { "windowsSandbox/setupStart": "sets up users and rights of the machine" }
  : {};
