import { spawn } from "node:child_process";

/** Runs a program to its end and resolves with its stdout; rejects when it fails. */
export type RunCommand = (
  command: string,
  args: readonly string[],
  options: { readonly cwd: string },
) => Promise<string>;

export const runCommand: RunCommand = (command, args, { cwd }) =>
  new Promise((resolve, reject) => {
    const [file, ...before] = command === "npm" ? npmCommand() : [command];
    const child = spawn(file, [...before, ...args], { cwd, stdio: ["ignore", "pipe", "pipe"] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.once("error", (error) => {
      reject(new Error(`${command} could not be started: ${error.message}`));
    });
    child.once("close", (code) => {
      if (code === 0) resolve(Buffer.concat(stdout).toString());
      else reject(new Error(failure(command, args, code, Buffer.concat(stderr).toString())));
    });
  });

/** Under `npm run`, the very npm that runs us; Windows could not start its npm.cmd by itself. */
function npmCommand(): [string, ...string[]] {
  const script = process.env.npm_execpath;
  return script?.endsWith("npm-cli.js") ? [process.execPath, script] : ["npm"];
}

function failure(
  command: string,
  args: readonly string[],
  code: number | null,
  stderr: string,
): string {
  const said = stderr
    .split("\n")
    .filter((line) => line.trim() !== "" && !line.startsWith("npm warn"))
    .slice(0, 10)
    .join("\n");
  return `${command} ${args.join(" ")} failed with code ${String(code)}:\n${said}`;
}
