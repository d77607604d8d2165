/** How to start the real server against the model that the benchmark runs; see ../real-server.ts. */
export const { command, args, env, config } = JSON.parse(process.env.BENCH_SERVER ?? "{}");
