import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { parseArgs } from "node:util";
import { pathToFileURL } from "node:url";
import { RUNTIME_VERSION } from "../generated/runtime.js";
import { runFresh } from "./fresh-process.js";
import { runScenario, type Result } from "./run-scenario.js";
import { createScenarios, type Scenario } from "./scenarios.js";
import { formatTable } from "./table.js";

const usage = `npm run bench -- [options]
  --quick           fewer messages and rounds
  --only <text>     only the scenarios whose title contains the text
  --against <file>  measures another build of the package beside this one: its dist/lib/index.js
  --json            prints every run as JSON instead of the table of medians`;

const budgetMs = 180_000;

const { values: flags } = parseArgs({
  options: {
    quick: { type: "boolean", default: false },
    only: { type: "string", default: "" },
    against: { type: "string" },
    json: { type: "boolean", default: false },
    help: { type: "boolean", default: false },
  },
});

if (flags.help) console.log(usage);
else await main();

async function main(): Promise<void> {
  const { quick, against } = flags;
  const scenarios = createScenarios({
    quick,
    library: "codex-app-server-sdk",
    against: against === undefined ? undefined : pathToFileURL(against).href,
  }).filter(({ title }) => title.toLowerCase().includes(flags.only.toLowerCase()));
  const machine = describeMachine();
  const home = await mkdtemp(path.join(os.tmpdir(), "codex-bench-"));
  try {
    const measured = await measureAll(scenarios, home);
    if (flags.json)
      console.log(JSON.stringify({ machine, scenarios: measured.map(toJson) }, null, 2));
    else console.log(`${Object.values(machine).join(", ")}\n\n${formatTable(measured)}`);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

async function measureAll(
  scenarios: readonly Scenario[],
  home: string,
): Promise<[Scenario, readonly Result[]][]> {
  // The real server keeps nothing of the user's, and reads nothing of theirs.
  const env = {
    CODEX_HOME: home,
    CODEX_APP_SERVER_DISABLE_MANAGED_CONFIG: "1",
    OPENAI_API_KEY: "",
  };
  const deadline = Date.now() + budgetMs;
  const measured: [Scenario, readonly Result[]][] = [];
  for (const scenario of scenarios) {
    if (process.stderr.isTTY) console.error(`${scenario.title} …`);
    // Files come into the system's cache, and the real server sets up its home, only once.
    for (const contender of scenario.contenders) await runFresh(contender, env);
    measured.push([scenario, await runScenario(scenario, env, deadline)]);
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
