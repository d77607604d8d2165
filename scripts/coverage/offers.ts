import { notificationRouting } from "../../generated/routing.js";
import type { Method } from "./protocol.js";
import type {
  ClientRequestMethod,
  ServerNotificationMethod,
  ServerRequestMethod,
} from "../../lib/protocol.js";

/**
 * An expression that leads to what the library offers: `thread.setName()`, `defineTool()`,
 * `TurnOptions.onApproval`. It starts with `codex`, `client`, `thread` or `turn`, or with an export.
 */
type Offers = string | readonly string[];

const requests: Partial<Record<ClientRequestMethod, Offers>> = {
  initialize: ["client.serverInfo", "codex.ready()"],

  "account/read": ["codex.account()", "codex.ready()"],
  "account/login/start": [
    "codex.login.apiKey()",
    "codex.login.browser()",
    "codex.login.deviceCode()",
    "codex.login.tokens()",
    "codex.login.bedrockApiKey()",
    "codex.login.bedrockAccessKeys()",
  ],
  "account/login/cancel": "LoginAttempt.cancel()",
  "account/logout": "codex.logout()",
  "account/gatewayOAuth/login": "codex.login.gateway()",
  "account/gatewayOAuth/read": "codex.login.gatewayStatus()",
  "account/gatewayOAuth/cancel": "GatewayLogin.cancel()",
  "account/rateLimits/read": "codex.rateLimits.read()",
  "account/rateLimitResetCredit/consume": "codex.rateLimits.useResetCredit()",
  "account/sendAddCreditsNudgeEmail": "codex.rateLimits.askOwner()",
  "account/usage/read": "codex.usage()",
  "account/workspaceMessages/read": "codex.workspaceMessages()",
  "accountSession/list": "codex.login.sessions()",
  "accountSession/switch": "codex.login.switchSession()",

  "model/list": "codex.models()",
  "modelProvider/list": "codex.modelProviders.list()",
  "modelProvider/capabilities/read": "codex.modelProviders.capabilities()",
  "modelProvider/config/write": "codex.modelProviders.configure()",
  "modelProvider/default/set": "codex.modelProviders.setDefault()",
  "experimentalFeature/list": "codex.features.list()",
  "experimentalFeature/enablement/set": "codex.features.set()",
  "permissionProfile/list": "codex.permissionProfiles()",

  "config/read": ["codex.config.read()", "codex.config.version()"],
  "config/batchWrite": ["codex.config.write()", "codex.config.batchWrite()"],
  "configRequirements/read": "codex.config.requirements()",
  "config/mcpServer/reload": "codex.mcp.reload()",

  "mcpServerStatus/list": ["codex.mcp.servers()", "codex.mcp.started()"],
  "mcpServer/oauth/login": "codex.mcp.login()",
  "mcpServer/resource/read": "codex.mcp.readResource()",
  "mcpServer/tool/call": "codex.mcp.callTool()",

  "skills/list": ["codex.skills.list()", "codex.skills.watch()"],
  "skills/config/write": "codex.skills.setEnabled()",
  "skills/extraRoots/set": "codex.skills.setExtraRoots()",
  "hooks/list": "codex.hooks.list()",
  "app/list": "codex.apps.list()",
  "app/installed": "codex.apps.installed()",
  "app/read": "codex.apps.read()",
  "plugin/list": "codex.plugins.list()",
  "plugin/installed": "codex.plugins.installed()",
  "plugin/search": "codex.plugins.search()",
  "plugin/read": "codex.plugins.read()",
  "plugin/install": "codex.plugins.install()",
  "plugin/uninstall": "codex.plugins.uninstall()",
  "marketplace/add": "codex.plugins.marketplaces.add()",
  "marketplace/remove": "codex.plugins.marketplaces.remove()",
  "marketplace/upgrade": "codex.plugins.marketplaces.upgrade()",

  "fs/readFile": ["codex.files.read()", "codex.files.readText()"],
  "fs/writeFile": "codex.files.write()",
  "fs/createDirectory": "codex.files.mkdir()",
  "fs/getMetadata": "codex.files.stat()",
  "fs/readDirectory": "codex.files.readDir()",
  "fs/remove": "codex.files.remove()",
  "fs/copy": "codex.files.copy()",
  "fs/watch": "codex.watch()",
  "fs/unwatch": "Watch.close()",
  "command/exec": "codex.exec()",
  "command/exec/write": ["CommandHandle.write()", "CommandHandle.closeStdin()"],
  "command/exec/resize": "CommandHandle.resize()",
  "command/exec/terminate": "CommandHandle.terminate()",
  "process/spawn": "codex.spawn()",
  "process/writeStdin": ["CommandHandle.write()", "CommandHandle.closeStdin()"],
  "process/resizePty": "CommandHandle.resize()",
  "process/kill": "CommandHandle.terminate()",
  fuzzyFileSearch: "codex.searchFiles()",
  "fuzzyFileSearch/sessionStart": "codex.fileSearch()",
  "fuzzyFileSearch/sessionUpdate": "FileSearch.update()",
  "fuzzyFileSearch/sessionStop": "FileSearch.close()",

  "thread/start": "codex.startThread()",
  "thread/resume": "codex.resumeThread()",
  "thread/fork": ["thread.fork()", "codex.forkThread()"],
  "thread/list": "codex.listThreads()",
  "thread/loaded/list": "codex.loadedThreads()",
  "thread/search": "codex.searchThreads()",
  "thread/realtime/list": "thread.realtimeItems()",
  "thread/search/stream": "codex.threadSearch()",
  "thread/search/stream/cancel": "ThreadSearch.close()",
  "thread/searchOccurrences": "thread.searchOccurrences()",
  "thread/read": "thread.read()",
  "thread/turns/list": "thread.turns()",
  "thread/items/list": "thread.items()",
  "thread/name/set": "thread.setName()",
  "thread/metadata/update": "thread.updateMetadata()",
  "thread/settings/update": "thread.updateSettings()",
  "thread/inject_items": "thread.injectItems()",
  "thread/revert": "thread.revert()",
  "thread/unsubscribe": "thread.unsubscribe()",
  "thread/archive": ["thread.archive()", "codex.archiveThread()"],
  "thread/unarchive": ["thread.unarchive()", "codex.unarchiveThread()"],
  "thread/delete": ["thread.delete()", "codex.deleteThread()"],
  "thread/goal/set": ["thread.runGoal()", "thread.goal.set()"],
  "thread/goal/get": "thread.goal.get()",
  "thread/goal/clear": "thread.goal.clear()",
  "thread/queue/add": "thread.queue.add()",
  "thread/queue/list": "thread.queue.list()",
  "thread/queue/update": "thread.queue.update()",
  "thread/queue/delete": "thread.queue.delete()",
  "thread/queue/reorder": "thread.queue.reorder()",
  "thread/queue/start": "thread.queue.start()",
  "thread/attachment/add": "thread.attachments.add()",
  "thread/attachment/list": "thread.attachments.list()",
  "thread/attachment/remove": "thread.attachments.remove()",
  "thread/attachmentOwner/list": "codex.attachmentOwners()",
  "thread/section/move": "thread.moveToSection()",
  "threadSection/list": "codex.sections.list()",
  "threadSection/create": "codex.sections.create()",
  "threadSection/update": "codex.sections.update()",
  "threadSection/delete": "codex.sections.delete()",
  "thread/backgroundTerminals/list": "thread.terminals.list()",
  "thread/backgroundTerminals/terminate": "thread.terminals.terminate()",
  "thread/backgroundTerminals/clean": "thread.terminals.clean()",

  "turn/start": ["thread.turn()", "thread.run()"],
  "turn/steer": "turn.steer()",
  "turn/interrupt": "turn.interrupt()",
  "review/start": "thread.review()",
  "thread/compact/start": "thread.compact()",
  "thread/shellCommand": "thread.shellCommand()",
};

const serverRequests: Partial<Record<ServerRequestMethod, Offers>> = {
  "item/commandExecution/requestApproval": "RequestHandlers.onApproval",
  "item/fileChange/requestApproval": "RequestHandlers.onApproval",
  "item/permissions/requestApproval": "RequestHandlers.onApproval",
  "item/tool/requestUserInput": "RequestHandlers.onUserInput",
  "item/tool/call": ["defineTool()", "StartThreadOptions.tools", "ResumeThreadOptions.tools"],
  "mcpServer/elicitation/request": "RequestHandlers.onElicitation",
  "account/chatgptAuthTokens/refresh": "ClientRequestHandlers.onAuthTokenRefresh",
  "attestation/generate": "ClientRequestHandlers.onAttestation",
  "currentTime/read": "RequestHandlers.onCurrentTime",
  // Of an older protocol; the server does not send them.
  applyPatchApproval: "RequestHandlers.handlers",
  execCommandApproval: "RequestHandlers.handlers",
};

const notifications: Partial<Record<ServerNotificationMethod, Offers>> = {
  "turn/started": ["turn.started", "thread.unsolicitedTurns()"],
  "turn/completed": ["turn.run()", "turn.state"],
  "item/started": ["turn.stream()", "turn.state"],
  "item/completed": ["turn.stream()", "turn.state"],
  "item/agentMessage/delta": ["turn.textStream()", "turn.state"],
  "item/plan/delta": ["turn.stream()", "turn.state"],
  "item/reasoning/summaryTextDelta": ["turn.stream()", "turn.state"],
  "item/reasoning/textDelta": ["turn.stream()", "turn.state"],
  "item/commandExecution/outputDelta": ["turn.stream()", "turn.state"],
  "item/fileChange/patchUpdated": ["turn.stream()", "turn.state"],
  "turn/diff/updated": ["turn.stream()", "turn.state"],
  "turn/plan/updated": ["turn.stream()", "turn.state"],
  "thread/tokenUsage/updated": ["turn.stream()", "turn.state"],
  error: ["turn.stream()", "turn.state"],
  "thread/goal/updated": ["GoalRun.stream()", "GoalRun.state"],
  "thread/goal/cleared": "GoalRun.stream()",
  "serverRequest/resolved": ["RequestContext.signal", "turn.stream()"],
  "account/login/completed": "LoginAttempt.wait()",
  "account/gatewayOAuth/changed": "GatewayLogin.wait()",
  "account/rateLimits/updated": ["codex.rateLimits.watch()", "turn.state"],
  "app/list/updated": "codex.apps.updates()",
  "skills/changed": "codex.skills.watch()",
  "mcpServer/startupStatus/updated": ["codex.mcp.startups()", "codex.mcp.started()"],
  "mcpServer/oauthLogin/completed": "McpLogin.wait()",
  "command/exec/outputDelta": ["CommandHandle.stdout", "CommandHandle.stderr"],
  "process/outputDelta": ["CommandHandle.stdout", "CommandHandle.stderr"],
  "process/exited": "CommandHandle.exit",
  "fs/changed": "codex.watch()",
  "fuzzyFileSearch/sessionUpdated": "codex.fileSearch()",
  "fuzzyFileSearch/sessionCompleted": "codex.fileSearch()",
  "thread/search/partial": "codex.threadSearch()",
};

/** How the library offers a method, beyond what it offers for all of its kind. */
export function offersOf({ kind, method }: Method): readonly string[] {
  switch (kind) {
    case "clientRequests":
      return listOf(requests[method as ClientRequestMethod] ?? rpcPath(method));
    case "clientNotifications":
      return ["client.notify()"];
    case "serverRequests":
      return listOf(serverRequests[method as ServerRequestMethod] ?? "RequestHandlers.handlers");
    case "serverNotifications": {
      const own = notifications[method as ServerNotificationMethod];
      return own === undefined ? [general(method as ServerNotificationMethod)] : listOf(own);
    }
  }
}

function rpcPath(method: string): string {
  const names = method.split("/");
  if (names.at(-1) === "then") return "client.request()";
  const path = names.map((name) => (/^\w+$/.test(name) ? `.${name}` : `[${JSON.stringify(name)}]`));
  return `client.rpc${path.join("")}()`;
}

function general(method: ServerNotificationMethod): string {
  return "turn" in notificationRouting[method] ? "turn.stream()" : "client.on()";
}

function listOf(offers: Offers): readonly string[] {
  return typeof offers === "string" ? [offers] : offers;
}
