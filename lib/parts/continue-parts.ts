import type { AsyncIteration } from "../async/async-iteration.js";
import type { TurnPart } from "./turn-part.js";
export function continueParts(_logged: readonly TurnPart[], parts: AsyncIteration<TurnPart>): AsyncIteration<TurnPart> { return parts; }
