import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { Codex, type CodexOptions } from "codex-app-server-sdk";
import {
  configFor,
  reply,
  startLoopbackModel,
  type LoopbackModel,
} from "codex-app-server-sdk/testing";

/** The model that answers, and the options that lead to it. */
export interface ChosenModel {
  readonly description: string;
  readonly options: CodexOptions;
  readonly sandbox: "workspace-write" | "danger-full-access";
  logIn(codex: Codex): Promise<void>;
  close(): Promise<void>;
}

/**
 * The user's login; else the user's API key, in a private home; else a model on the loopback, which `script`
 * tells what to say.
 */
export async function chooseModel(script = sayHello): Promise<ChosenModel> {
  if (await isLoggedIn()) {
    return {
      description: "with your login",
      options: {},
      sandbox: "workspace-write",
      logIn: () => Promise.resolve(),
      close: () => Promise.resolve(),
    };
  }
  const apiKey = process.env["OPENAI_API_KEY"] ?? "";
  return apiKey === "" ? loopbackModel(script) : withApiKey(apiKey);
}

async function isLoggedIn(): Promise<boolean> {
  await using codex = new Codex();
  const { loginRequired } = await codex.ready();
  return !loginRequired;
}

/** The server takes a key by login only, and stores it: in a home of its own, so yours is untouched. */
async function withApiKey(apiKey: string): Promise<ChosenModel> {
  const home = await mkdtemp(path.join(tmpdir(), "quickstart-home-"));
  return {
    description: "with your OPENAI_API_KEY",
    options: { env: { CODEX_HOME: home } },
    sandbox: "workspace-write",
    logIn: (codex) => codex.login.apiKey(apiKey),
    close: () => rm(home, { recursive: true, force: true }),
  };
}

function sayHello(model: LoopbackModel): void {
  model.enqueue(
    [reply.commentary("I will run it and look."), reply.shell("echo hello from a real command")],
    reply.text("It printed: hello from a real command."),
  );
}

async function loopbackModel(script: (model: LoopbackModel) => void): Promise<ChosenModel> {
  const model = await startLoopbackModel();
  script(model);
  return {
    description: "with a scripted model on the loopback, as nobody is logged in",
    options: await configFor(model),
    sandbox: "danger-full-access",
    logIn: () => Promise.resolve(),
    close: () => model.close(),
  };
}
