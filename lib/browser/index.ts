export { readTurn, type ReadTurnOptions, type TurnReading } from "./read-turn.js";
export { post } from "./post.js";
export type { RequestSettings, SentHeaders } from "./send.js";
export { WebProblemError, type WebProblem } from "./web-problem.js";
export type { TurnPart } from "../parts/turn-part.js";
