import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { runCommand } from "../../scripts/run-command.js";
import {
  elsewhere,
  runtimePackages,
  type Report,
  type RunBuilt,
  type Way,
} from "../../scripts/check-package/bundlers/way.js";
import { freePort } from "../support/free-port.js";

const takeRuntimeAlong = `outputFileTracingIncludes: { "/api/**": ["./node_modules/@openai/**"] }`;

const files = {
  "app/layout.js":
    "export default function Layout({ children }) { return <html><body>{children}</body></html>; }",
  "app/page.js": "export default function Page() { return <p>Hello</p>; }",
  "app/api/report/route.js": `
    import { report } from "../../../report.mjs";
    export const dynamic = "force-dynamic";
    export const GET = async () => Response.json(await report());`,
  "next.config.mjs": `
    export default {
      output: "standalone",
      outputFileTracingRoot: import.meta.dirname,
      ${takeRuntimeAlong},
    };`,
};

/** A server of Next.js that stands alone. `modules` has Next.js and React. */
export const next = (name: string, modules: string): Way => ({
  name,
  recipe: takeRuntimeAlong,
  build: async ({ application, into }) => {
    const project = await writeProject(application, into, modules);
    return build(project, into);
  },
  buildWithRuntime: async ({ application, into }) => {
    const project = await writeProject(application, into, modules);
    await cp(runtimePackages, path.join(project, "node_modules/@openai"), { recursive: true });
    return build(project, into);
  },
});

/** Turbopack does not follow links that lead out of a project, so the packages become its own. */
async function writeProject(application: string, into: string, modules: string): Promise<string> {
  const project = path.join(into, "project");
  await cp(modules, path.join(project, "node_modules"), { recursive: true });
  await cp(application, project, { recursive: true });
  for (const [file, text] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(project, file)), { recursive: true });
    await writeFile(path.join(project, file), text);
  }
  return project;
}

async function build(project: string, into: string): Promise<RunBuilt> {
  const cli = path.join(project, "node_modules/next/dist/bin/next");
  await runCommand(process.execPath, [cli, "build"], { cwd: project });
  const standalone = path.join(project, ".next/standalone");
  for (const each of await readdir(standalone)) {
    await rename(path.join(standalone, each), path.join(into, each));
  }
  // What it was built in must not be what it finds.
  await rm(project, { recursive: true });
  return serveOnce(path.join(into, "server.js"));
}

/** Starts the server, asks it for its report, and ends it. */
function serveOnce(script: string): RunBuilt {
  return async (env) => {
    const port = await freePort();
    const child = spawn(process.execPath, [script], {
      cwd: elsewhere,
      env: { ...env, PORT: String(port), HOSTNAME: "127.0.0.1" },
      stdio: ["ignore", "pipe", "inherit"],
    });
    const ended = once(child, "exit");
    try {
      for await (const line of createInterface(child.stdout)) if (line.includes("Ready")) break;
      const response = await fetch(`http://127.0.0.1:${port}/api/report`);
      return (await response.json()) as Report;
    } finally {
      child.kill();
      await ended;
    }
  };
}
