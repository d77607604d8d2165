import { availableParallelism } from "node:os";
import path from "node:path";

// npm test and npm run test:long note which methods of the protocol each test file touches, for
// docs/coverage.md.
const isNoted = ["test", "test:long"].includes(process.env.npm_lifecycle_event ?? "");
const recordings = process.env.PROTOCOL_RECORDINGS ?? (isNoted ? "coverage/protocol" : "");
if (recordings !== "") process.env.PROTOCOL_RECORDINGS = path.resolve(recordings);

/** The files that npm test leaves to npm run test:long. */
export const longTests = "\\.long\\.test\\.ts$";

/**
 * All tests but those of examples/apps and of tests/fleet; `npm run jest -- tests/real/exec` runs some of them.
 *
 * @type {import("jest").Config}
 */
export default {
  roots: ["<rootDir>/tests"],
  testMatch: ["**/*.test.ts"],
  testPathIgnorePatterns: [
    "/node_modules/",
    // They need a browser, and install what they need: npm run test:apps.
    "<rootDir>/tests/apps/",
    // They need a redis-server: npm run test:fleet.
    "<rootDir>/tests/fleet/",
    // They need the AI SDK 7, and install it: npm run test:ai.
    "<rootDir>/tests/ai-7/",
  ],
  extensionsToTreatAsEsm: [".ts"],
  // Sources import each other as "./name.js"; jest reads them as TypeScript.
  // The package's own name resolves to the sources too.
  moduleNameMapper: {
    "^codex-app-server-sdk$": "<rootDir>/lib/index.ts",
    "^codex-app-server-sdk/(http|browser|ai|fleet|telemetry|testing)$": "<rootDir>/lib/$1/index.ts",
    "^(\\.{1,2}/.*)\\.js$": "$1",
  },
  transform: { "\\.ts$": "<rootDir>/tests/support/esbuild-transform.js" },
  setupFilesAfterEnv: recordings === "" ? [] : ["<rootDir>/tests/support/record-protocol.ts"],
  testTimeout: 60_000,
  // Most of the time a test waits for another process. Each worker takes about 400 MB.
  maxWorkers: Math.min(4 * availableParallelism(), 8),
  testSequencer: "<rootDir>/tests/support/slow-first.js",
  // A worker that has nothing open any more still takes a second to free the modules of all the files
  // that it ran; jest would kill it after half a second, and report a leak of the tests.
  workerGracefulExitTimeout: 30_000,
  reporters: ["default", "<rootDir>/tests/support/counts-reporter.js"],
};
