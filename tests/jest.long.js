import config, { longTests } from "../jest.config.js";

/** `npm run test:long`: what `npm test` leaves out, the files that are named `*.long.test.ts`. */
const { testMatch: _, ...common } = config;
export default { ...common, rootDir: "..", testRegex: [longTests] };
