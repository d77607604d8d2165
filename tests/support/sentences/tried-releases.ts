import type { SentenceName } from "../../../lib/errors/server-sentences.js";

/** The supported releases of codex that were tried. */
export const triedReleases = ["0.155.1", "0.160.1", "0.165.0", "0.169.0", "0.171.0"] as const;
type TriedRelease = (typeof triedReleases)[number];

/** Up to 0.165.0, a server does not say why it could not open its databases. */
const beforeCauses = ["0.155.1", "0.160.1", "0.165.0"] as const;

/** The tried releases that say something else in the same situation. All others were made to say it. */
export const notSaidBy: Readonly<Partial<Record<SentenceName, readonly TriedRelease[]>>> = {
  noExternalClock: ["0.155.1", "0.160.1", "0.165.0", "0.169.0"],
  databaseLocked: beforeCauses,
  diskFull: beforeCauses,
  fileRefused: beforeCauses,
};
