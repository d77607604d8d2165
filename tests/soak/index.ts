/**
 * Runs thousands of turns in one process, in all the ways in which turns go, and hundreds whose server
 * is lost in the middle, and fails when anything is left of them. `npm run soak -- --help` tells the options.
 */
import { parseArgs } from "node:util";
import { compileProgram } from "../support/compile-program.js";
import { realServer } from "./real-server.js";
import { runCuts, runDeaths } from "./run-losses.js";
import { runSoak, type SoakReport } from "./run-soak.js";
import { formatSoak } from "./table.js";

const usage = `npm run soak -- [options]
  --turns <n>       turns on the scripted server (default 10,000; 0 leaves it out)
  --real-turns <n>  turns on the real server, with a model on the loopback (default 500)
  --losses <n>      turns whose server dies, and as many whose socket is cut (default 600)
  --leak            keeps something on purpose, to see that it is noticed
  --json            prints the figures as JSON instead of tables`;

const { values } = parseArgs({
  options: {
    turns: { type: "string", default: "10000" },
    "real-turns": { type: "string", default: "500" },
    losses: { type: "string", default: "600" },
    leak: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (values.help) console.log(usage);
else await main();

async function main(): Promise<void> {
  const reports: Record<string, SoakReport> = {};
  const { leak } = values;
  const turns = Number(values.turns);
  const realTurns = Number(values["real-turns"]);
  const losses = Number(values.losses);
  if (turns > 0) {
    const script = await compileProgram(new URL("server.ts", import.meta.url));
    const client = { launch: { command: process.execPath, args: [script] } };
    reports["Scripted server"] = await runSoak({ client, turns, parallel: 8, leak });
  }
  if (realTurns > 0) {
    await using server = await realServer();
    const client = server.options;
    reports["Real server"] = await runSoak({ client, turns: realTurns, parallel: 4, leak });
  }
  if (losses > 0) {
    reports["Server that dies"] = await runDeaths({ turns: losses, leak });
    reports["Socket that is cut"] = await runCuts({ turns: losses, leak });
  }
  if (values.json) console.log(JSON.stringify(reports));
  else {
    const tables = Object.entries(reports).map(([title, report]) => formatSoak(title, report));
    console.log(tables.join("\n\n"));
  }
  for (const [title, { grown }] of Object.entries(reports)) {
    if (grown.length === 0) continue;
    console.error(`${title}: there is more than there was of: ${grown.join(", ")}.`);
    process.exitCode = 1;
  }
}
