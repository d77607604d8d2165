import { outlineOf } from "../../errors/error-outline.js";

/** What is done with an error that nobody else takes. */
export function warnOfTrouble(error: unknown): void {
  process.emitWarning(`The fleet has trouble: ${outlineOf(error)}`, "FleetWarning");
}
