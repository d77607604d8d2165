export { configFor } from "./config-for.js";
export type { LoopbackConfig, LoopbackConfigOverrides } from "./config-for.js";
export type { ConfigObject, ConfigValue } from "../runtime/config-args.js";
export {
  FakeAppServer,
  type FakeAppServerOptions,
  type HandledRequest,
  type TurnBehaviour,
} from "./fake/fake-app-server.js";
export type {
  CommandDecision,
  FakeTurn,
  FileChangeDecision,
  ToolAnswer,
  TurnScript,
} from "./fake/fake-turn.js";
export type { ThreadChoices } from "./fake/records.js";
export type { WithoutIds } from "./fake/running-turn.js";
export type { CommandOutcome, FileChanges } from "./fake/items.js";
export type { CrashOptions } from "./server/in-process.js";
export type { ListenOptions } from "./server/listen.js";
export { replayServer, type ReplayServer } from "./replay/replay-server.js";
export { ResponseError } from "./server/message.js";
export type { ReceivedMessage, ReceivedRequest } from "./server/message.js";
export type { Script, Step, Steps } from "./server/script.js";
export { ModelClosedError } from "../errors/model-closed-error.js";
export type { ModelRequest, ToolOutput } from "./inspect-request.js";
export type { JsonObject, JsonValue } from "./json.js";
export { startLoopbackModel } from "./loopback-model.js";
export type { LoopbackModel, LoopbackModelOptions } from "./loopback-model.js";
export { reply } from "./replies/index.js";
export type {
  PermissionsWanted,
  SpawnAgentOptions,
  UserQuestion,
  WaitAgentOptions,
} from "./replies/agent-calls.js";
export type { UsageLimitOptions } from "./replies/failures.js";
export type { ReasoningOptions } from "./replies/reasoning.js";
export type {
  HoldPart,
  HttpReply,
  MakeId,
  ModelUsage,
  PauseStep,
  Reply,
  ReplyPart,
  ReplyStep,
  SendStep,
  StopStep,
} from "./replies/reply.js";
export type { TextOptions, TextPieces } from "./replies/text.js";
export type { CallOptions, FunctionCallOptions, ShellOptions } from "./replies/tool-calls.js";
export type { ReplyHandler, RequestMatch } from "./reply-script.js";
export type { NextRequestOptions } from "./request-log.js";
export type { ModelEvent } from "./sse-format.js";
