export type { ChatOptions } from "./chat/chat-options.js";
export { createChat, type Chat } from "./chat/create-chat.js";
export type {
  ChatHistory,
  ChatThread,
  ChatThreadOptions,
  ThreadSource,
} from "./chat/chat-threads.js";
export { toFastifyHandler, type FastifyReplyLike } from "./chat/to-fastify-handler.js";
export {
  toNodeHandler,
  type FetchHandler,
  type NodeHandlerOptions,
} from "./chat/to-node-handler.js";
export { TurnStreams, type AddTurnOptions, type PartsBehind } from "./turn-streams.js";
export type {
  Authorize,
  AuthorizedAction,
  AuthorizedSubject,
  TurnStreamsOptions,
} from "./turn-streams-options.js";
export type { RemoteTurns } from "./remote-turns.js";
export type { HttpRequest, AnyRequest, FastifyRequestLike } from "./requests/http-request.js";
export type { BrowserAnswer, BrowserDecision, FormValue } from "./requests/browser-answer.js";
export type { BrowserInput, BrowserInputItem } from "./requests/browser-input.js";
export type { HeldRequestHandlers } from "./requests/held-requests.js";
export { checkTurnStreamStore, type StoreUnderTest } from "./streams/check-turn-stream-store.js";
export { bodySchemas } from "./body-schemas.js";
export type {
  AnswersBody,
  ApprovalBody,
  ImageBody,
  InputList,
  NewThreadBody,
  SessionApprovalBody,
  SteerBody,
  TextBody,
  TurnBody,
} from "./bodies.js";
export { health, healthResponse, type Health, type HealthBody } from "./health.js";
export { toProblem, toProblemResponse, type Problem, type ProblemDetails } from "./to-problem.js";
export { MemoryStreamStore } from "./streams/memory-stream-store.js";
export type {
  ReadEventsOptions,
  StoredStream,
  StreamEvent,
  StreamFacts,
  StreamLimits,
  StreamPage,
  TurnStreamStore,
} from "./streams/turn-stream-store.js";
export {
  AlreadyAnsweredError,
  BadRequestError,
  ChatBusyError,
  CommandPendingError,
  CommandRefusedError,
  DecisionRefusedError,
  NotFoundError,
  OriginRefusedError,
  MethodNotAllowedError,
  StreamsClosedError,
  TurnElsewhereError,
  UnauthorizedError,
  TurnOverError,
  WebError,
} from "./web-errors.js";
export { continueParts } from "../parts/continue-parts.js";
export type { ContinueOptions } from "../parts/continued-parts.js";
export { partsOf, type TurnOfParts } from "../parts/parts-of.js";
export { partsOfStoredTurn } from "../parts/stored-turn-parts.js";
export { TurnParts, type PartSource } from "../parts/turn-parts.js";
export type { TurnEnding } from "../parts/turn-problem.js";
export type { SomeEvent } from "../messages/superseding.js";
export { TurnView, type ViewEntry } from "../parts/turn-view.js";
export type { PartOptions, PartVisibility } from "../parts/part-options.js";
export type { PartBody, PartEndStatus, PartOf, TurnPart } from "../parts/turn-part.js";
export type {
  AskedQuestion,
  AskedRequest,
  FileChangeFact,
  PartOrigin,
  PartPhase,
  PlanStep,
  RequestOutcome,
  TokenCounts,
  ToolCall,
  ToolStatus,
  TurnProblem,
} from "../parts/part-types.js";
