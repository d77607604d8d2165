/**
 * Updates a fake project, with a program running beside it, and ends itself with SIGKILL when the first
 * folder has been moved aside. Before that it prints where the project is, what was in it, and the
 * program's id.
 */
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { runCommand, type RunCommand } from "../../../scripts/run-command.js";
import { disk } from "../../../scripts/update-artifacts/disk.js";
import { FakeProject } from "./fake-project.js";

const project = await FakeProject.make();
const before = await project.tree();
const work = path.join(project.root, ".update-artifacts", "work");

const run: RunCommand = async (command, args, options) => {
  if (args.includes("scripts/generate/index.ts")) {
    let pid = 0;
    const onStart = (started: number): void => {
      pid = started;
      options.onStart?.(started);
    };
    const forever = ["-e", "setInterval(() => {}, 1000)"];
    void runCommand(process.execPath, forever, { ...options, onStart }).catch(() => undefined);
    for (;;) {
      const noted = await readFile(path.join(work, "children"), "utf8").catch(() => "");
      if (pid > 0 && noted.includes(String(pid))) break;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    process.stdout.write(`${JSON.stringify({ root: project.root, pid, before })}\n`);
  }
  return project.run(command, args, options);
};

await project.updateWith({
  run,
  disk: {
    ...disk,
    rename: async (from, to) => {
      await disk.rename(from, to);
      if (!String(to).includes("aside")) return;
      process.kill(process.pid, "SIGKILL");
      await once(process, "never");
    },
  },
});
