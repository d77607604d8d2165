import { expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { isRunning } from "../../../scripts/process-start.js";
import { FakeProject } from "./fake-project.js";

const script = fileURLToPath(new URL("killed-update.ts", import.meta.url));
const root = path.resolve(import.meta.dirname, "../../..");

test("after kill -9 the next run ends what was left running, and puts everything back", async () => {
  const child = spawn(process.execPath, ["--import", "tsx", script], {
    cwd: root,
    stdio: ["ignore", "pipe", "inherit"],
  });
  let printed = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (printed += text));
  const [, signal] = (await once(child, "exit")) as [number | null, string | null];
  const left = JSON.parse(printed) as {
    readonly root: string;
    readonly pid: number;
    readonly before: readonly string[];
  };
  const project = await FakeProject.at(left.root);
  try {
    expect(signal).toBe("SIGKILL");
    expect(await isRunning(left.pid, undefined)).toBe(true);
    expect(await project.tree()).not.toEqual(left.before);

    expect(await project.update("--repair")).toContain("what it had changed was put back");

    expect(await isRunning(left.pid, undefined)).toBe(false);
    expect(await project.tree()).toEqual(left.before);
  } finally {
    await project.remove();
  }
});
