import { outlineOf } from "../../errors/error-outline.js";

/** Gives troubles to a listener of the caller's; what it throws itself, or rejects with, is warned of. */
export function troubleListener(
  onError: (error: unknown) => unknown = warnOfTrouble,
): (error: unknown) => void {
  return (error) => {
    const tell = async (): Promise<void> => {
      await onError(error);
    };
    tell().catch(warnOfTrouble);
  };
}

/** What is done with an error that nobody else takes. */
function warnOfTrouble(error: unknown): void {
  process.emitWarning(`The fleet has trouble: ${outlineOf(error)}`, "FleetWarning");
}
