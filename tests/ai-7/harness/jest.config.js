import config from "../../../jest.config.js";

const modules = "<rootDir>/.cache/ai-7/node_modules";
const harness = `${modules}/@ai-sdk/harness`;

/** The harness, with the `HarnessAgent` of the AI SDK and the `ai` that comes with it: `npm run test:ai`. */
export default {
  ...config,
  rootDir: "../../..",
  testMatch: ["**/tests/ai-7/harness/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/"],
  moduleNameMapper: {
    ...config.moduleNameMapper,
    "^ai$": `${harness}/node_modules/ai/dist/index.js`,
    "^@ai-sdk/harness$": `${harness}/dist/index.js`,
    "^@ai-sdk/harness/agent$": `${harness}/dist/agent/index.js`,
  },
};
