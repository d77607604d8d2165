import config, { longTests } from "../jest.config.js";

/** `npm test`: each capability once on the real server, and all that needs little time. */
export default {
  ...config,
  rootDir: "..",
  testPathIgnorePatterns: [...config.testPathIgnorePatterns, longTests],
};
