import config from "../jest.config.js";

/** `npm run test:long`: what `npm test` leaves out, the files that are named `*.long.test.ts`. */
export default { ...config, rootDir: "..", testMatch: ["**/*.long.test.ts"] };
