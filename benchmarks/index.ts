import os from "node:os";
import { parseArgs } from "node:util";
import { pathToFileURL } from "node:url";
import { RUNTIME_VERSION } from "../generated/runtime.js";
import { runFresh, type Surroundings } from "./fresh-process.js";
import { createPeerScenarios, describePeer } from "./peer-scenarios.js";
import { openRealServer } from "./real-server.js";
import { runScenario, type Result } from "./run-scenario.js";
import type { Scenario } from "./scenario.js";
import { createScenarios } from "./scenarios.js";
import { formatTable } from "./table.js";

const usage = `npm run bench -- [options]
  --quick           fewer messages and rounds
  --only <text>     only the scenarios whose title contains the text
  --against <file>  measures another build of the package beside this one: its dist/lib/index.js
  --peers           other packages on the real server instead; npm run bench:peers installs them
  --json            prints every run as JSON instead of the table of medians`;

const budgetMs = 240_000;

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    against: { type: "string" },
    peers: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (flags.help) console.log(usage);
else await main();

async function main(): Promise<void> {
  const { quick, against, peers } = flags;
  const options = {
    quick,
    library: "codex-app-server-sdk",
    against: against === undefined ? undefined : pathToFileURL(against).href,
  };
  const all = peers ? createPeerScenarios(options) : await createScenarios(options);
  const scenarios = all.filter(({ title }) =>
    title.toLowerCase().includes(flags.only.toLowerCase()),
  );
  const machine = { ...describeMachine(), ...(peers ? { peer: await describePeer() } : {}) };
  const server = await openRealServer();
  try {
    const measured = await measureAll(scenarios, server);
    if (flags.json)
      console.log(JSON.stringify({ machine, scenarios: measured.map(toJson) }, null, 2));
    else console.log(`${Object.values(machine).join(", ")}\n\n${formatTable(measured)}`);
  } finally {
    await server.close();
  }
}

async function measureAll(
  scenarios: readonly Scenario[],
  surroundings: Surroundings,
): Promise<[Scenario, readonly Result[]][]> {
  const deadline = Date.now() + budgetMs;
  const measured: [Scenario, readonly Result[]][] = [];
  for (const scenario of scenarios) {
    if (process.stderr.isTTY) console.error(`${scenario.title} …`);
    // Files come into the system's cache, and the real server sets up its home, only once.
    for (const contender of scenario.contenders) await runFresh(contender, surroundings);
    measured.push([scenario, await runScenario(scenario, surroundings, deadline)]);
  }
  return measured;
}

function describeMachine() {
  const cpus = os.cpus();
  return {
    cpu: `${cpus.length} × ${cpus[0]?.model.trim() ?? "unknown CPU"}`,
    memory: `${(os.totalmem() / 2 ** 30).toFixed(0)} GiB`,
    system: `${process.platform} ${process.arch}`,
    node: `Node.js ${process.version}`,
    codex: `codex ${RUNTIME_VERSION}`,
    load: `load ${os.loadavg()[0]?.toFixed(1) ?? "unknown"} at the start`,
  };
}

function toJson([{ title, unit, operations, baseline }, results]: [Scenario, readonly Result[]]) {
  return { title, unit, operations, baseline, results };
}
