import config from "../../../jest.config.js";

/** The application on Next.js, built and started as in production: `npm run test:nextjs`. */
export default {
  ...config,
  rootDir: "../../..",
  roots: ["<rootDir>/tests/apps/nextjs"],
  testPathIgnorePatterns: ["/node_modules/"],
  // Building takes a minute on a machine that does nothing else.
  testTimeout: 480_000,
};
