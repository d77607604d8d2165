import config from "../../jest.config.js";

/** What needs a `redis-server` on the machine: `npm run test:fleet`. */
export default {
  ...config,
  rootDir: "../..",
  roots: ["<rootDir>/tests/fleet"],
  testPathIgnorePatterns: ["/node_modules/"],
  // Each file has a server of its own.
  maxWorkers: 2,
  testTimeout: 120_000,
};
