import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createInterface } from "node:readline";
import { Codex } from "codex-app-server-sdk";
import { chooseModel } from "../../examples/support/choose-model.js";
import { runCommand } from "../run-command.js";
import { answerAnything } from "./demo-replies.js";

const app = path.resolve(import.meta.dirname, "../../examples/apps/web-chat");

/** Installs the chat if need be, and runs it until it is stopped, with Ctrl-C say. */
export async function openWebChat(): Promise<void> {
  if (!existsSync(path.join(app, "node_modules"))) {
    console.log("Installing what the chat needs…");
    await runCommand("npm", ["ci"], { cwd: app });
  }
  const model = await chooseModel(answerAnything);
  const project = await mkdtemp(path.join(tmpdir(), "web-chat-"));
  try {
    if (model.options.env) {
      await using codex = new Codex(model.options);
      await model.logIn(codex);
    }
    console.log(`A chat with Codex, ${model.description}. It works in ${project}.`);
    await run({
      PROJECT: project,
      CODEX_OPTIONS: JSON.stringify(model.options),
      // The scripted model is there to be looked at: it asks before each command.
      ...(model.sandbox === "danger-full-access" && {
        THREAD_OPTIONS: JSON.stringify({ sandbox: model.sandbox, approvalPolicy: "untrusted" }),
      }),
    });
  } finally {
    await model.close();
    await rm(project, { recursive: true, force: true });
  }
}

/** Runs the chat to its end. Ctrl-C reaches it by itself, as one of this terminal's processes. */
async function run(env: Readonly<Record<string, string>>): Promise<void> {
  const args = ["--import", "tsx", "server.ts"];
  const child = spawn(process.execPath, args, {
    cwd: app,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  const stop = (): void => {
    child.kill("SIGTERM");
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  for await (const line of createInterface(child.stdout)) {
    console.log(line);
    const [url] = /http:\S+/.exec(line) ?? [];
    if (url !== undefined && process.stdout.isTTY) show(url);
  }
  await exited;
}

/** Opens a page in the user's browser, if there is one. */
function show(url: string): void {
  const openers: Partial<Record<NodeJS.Platform, readonly [string, ...string[]]>> = {
    darwin: ["open"],
    win32: ["cmd", "/c", "start", ""],
  };
  const [command, ...args] = openers[process.platform] ?? ["xdg-open"];
  spawn(command, [...args, url], { stdio: "ignore", detached: true })
    .on("error", () => undefined)
    .unref();
}
