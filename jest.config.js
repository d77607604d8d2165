/** @type {import("jest").Config} */
export default {
  roots: ["<rootDir>/tests"],
  testMatch: ["**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  // Sources import each other as "./name.js"; jest reads them as TypeScript.
  // The package's own name resolves to the sources too.
  moduleNameMapper: {
    "^codex-app-server-sdk$": "<rootDir>/lib/index.ts",
    "^codex-app-server-sdk/testing$": "<rootDir>/lib/testing/index.ts",
    "^(\\.{1,2}/.*)\\.js$": "$1",
  },
  transform: {
    "^.+\\.ts$": ["ts-jest", { useESM: true, tsconfig: "tsconfig.json", diagnostics: false }],
  },
  testTimeout: 60_000,
  maxWorkers: 2,
  reporters: ["default", "<rootDir>/tests/support/counts-reporter.js"],
};
