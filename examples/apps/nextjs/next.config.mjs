/** @type {import("next").NextConfig} */
export default {
  output: "standalone",
  // No import uses the program, so nothing but this takes it into the output.
  outputFileTracingIncludes: { "/api/**": ["./node_modules/@openai/**"] },
  // This application lies in a repository with a lock file of its own; yours may not need it.
  outputFileTracingRoot: import.meta.dirname,
  turbopack: { root: import.meta.dirname },
};
