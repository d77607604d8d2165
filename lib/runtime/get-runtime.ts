import { RUNTIME_VERSION } from "../../generated/runtime.js";

const runtime = `@openai/codex@${RUNTIME_VERSION}`;
const nameOne =
  "name an executable: with the option codexPath, or with the environment variable CODEX_PATH.";

/** Details of a search that found no runtime. */
export interface FailedSearch {
  /** The archive of Electron in which the library, or the application, lies. */
  readonly archive: string | undefined;
  /** Whether the library is part of other code, and so not where a package manager put it. */
  readonly isBundled: boolean;
  /** Whether `@openai/codex` is installed, but without the part for this machine. */
  readonly isIncomplete: boolean;
  /** The first place where a runtime would be found; `undefined` when the code that runs has no file. */
  readonly place: string | undefined;
}

/** Advice when there is no runtime, which depends on how the application is built. */
export function adviceFor({ archive, isBundled, isIncomplete, place }: FailedSearch): string {
  if (archive !== undefined) return adviceForArchive(archive);
  const install = installCommand(isIncomplete);
  if (!isBundled) return `Run: ${install}`;
  const bundled = "This library is part of a bundle, and bundlers take no programs along.";
  return place === undefined
    ? `${bundled} Install ${runtime}, and ${nameOne}`
    : `${bundled} Run in ${place}, or above: ${install}\nOr ${nameOne}`;
}

/** Advice when the runtime is packed into an archive of Electron, or would be. */
export function adviceForArchive(archive: string): string {
  return (
    `No program starts from inside ${archive}. Install ${runtime}, and have it unpacked: ` +
    `in electron-builder with asarUnpack: ["**/node_modules/@openai/**"].\nOr ${nameOne}`
  );
}

export function installCommand(isIncomplete = false): string {
  return `npm install ${isIncomplete ? "--include=optional " : ""}${runtime}`;
}
