import config from "../../jest.config.js";

const modules = "<rootDir>/.cache/ai-7/node_modules";

// Which version it is, no test could tell otherwise; the workers inherit it.
process.env.AI_VERSION = "7";

/** The tests of lib/ai, with version 7 of the AI SDK in the place of version 6: `npm run test:ai`. */
export default {
  ...config,
  rootDir: "../..",
  testMatch: ["**/tests/real/ai-*.test.ts", "**/tests/unit/ai/*.test.ts"],
  moduleNameMapper: {
    ...config.moduleNameMapper,
    "^ai$": `${modules}/ai/dist/index.js`,
  },
};
