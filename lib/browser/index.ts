export { readTurn, type ReadTurnOptions, type TurnReading } from "./read-turn.js";
export { post } from "./post.js";
export type { RequestSettings, SentHeaders } from "./send.js";
export { WebProblemError, type WebProblem } from "./web-problem.js";
export { TurnView, type ViewEntry } from "../parts/turn-view.js";
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
