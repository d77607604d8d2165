export type { TurnPart } from "../parts/turn-part.js";
