import config from "../../jest.config.js";

/** The applications of examples/apps, each as its users run it: `npm run test:apps`. */
export default {
  ...config,
  rootDir: "../..",
  roots: ["<rootDir>/tests/apps"],
  // It builds for minutes: npm run test:nextjs.
  testPathIgnorePatterns: ["/node_modules/", "<rootDir>/tests/apps/nextjs/"],
  globalSetup: "<rootDir>/tests/apps/support/install-apps.js",
  // Each test has a browser and a server of its own.
  maxWorkers: 2,
  testTimeout: 120_000,
};
