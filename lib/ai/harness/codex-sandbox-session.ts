import path from "node:path";
import type { SandboxPolicy } from "../../../generated/types.js";
import { isAppServerError } from "../../errors/base.js";
import { check, oneOf } from "../../errors/check-values.js";
import type { Codex, CommandHandle } from "../../index.js";
import type {
  HarnessSandboxSession,
  SandboxCommand,
  SandboxContent,
  SandboxFilesAndCommands,
  SandboxNetworkPolicy,
  SandboxPath,
  SandboxProcess,
} from "./sandbox-types.js";
import { staysInside } from "./stays-inside.js";
import { unsupported } from "./unsupported.js";

/** What a sandbox needs of a `Codex`. */
export type SandboxSource = Pick<Codex, "exec" | "files">;

export interface SandboxSettings {
  readonly id: string;
  readonly codex: SandboxSource;
  readonly directory: string;
  readonly commands: "workspace-write" | "danger-full-access";
}

/** The largest output of a command that `run()` keeps of each stream (bytes). */
const maxOutputBytes = 16_777_216;

/** Files below one directory of the server's machine, and commands in the sandbox of Codex. */
export class CodexSandboxSession implements HarnessSandboxSession {
  readonly id: string;
  readonly ports: readonly number[] = [];
  readonly #options: SandboxSettings;
  readonly #running = new Set<CommandHandle>();
  #hasNetwork = false;

  constructor(settings: SandboxSettings) {
    this.id = settings.id;
    this.#options = settings;
  }

  get defaultWorkingDirectory(): string {
    return this.#options.directory;
  }

  get description(): string {
    const { directory, commands } = this.#options;
    if (commands === "danger-full-access") return `The machine, from ${directory} on.`;
    const network = this.#hasNetwork ? "the network can be reached" : "there is no network";
    return `The directory ${directory} of a machine: commands write nowhere else, and ${network}.`;
  }

  async readFile(options: SandboxPath): Promise<ReadableStream<Uint8Array> | null> {
    const bytes = await this.readBinaryFile(options);
    return bytes && new Blob([bytes]).stream();
  }

  async readBinaryFile({ path: given, abortSignal }: SandboxPath): Promise<Uint8Array | null> {
    const place = await this.#placeOf(given);
    try {
      return await this.#options.codex.files.read(place, { signal: abortSignal });
    } catch (error) {
      if (isAppServerError(error) && error.code === "FILE_NOT_FOUND") return null;
      throw error;
    }
  }

  async readTextFile(
    options: Parameters<SandboxFilesAndCommands["readTextFile"]>[0],
  ): Promise<string | null> {
    const { encoding = "utf-8", startLine = 1, endLine } = options;
    const bytes = await this.readBinaryFile(options);
    if (!bytes) return null;
    const text = new TextDecoder(encoding).decode(bytes);
    if (startLine <= 1 && endLine === undefined) return text;
    return text
      .split("\n")
      .slice(Math.max(0, startLine - 1), endLine)
      .join("\n");
  }

  async writeFile({ content, ...rest }: SandboxContent<ReadableStream<Uint8Array>>): Promise<void> {
    const bytes = new Uint8Array(await new Response(content).arrayBuffer());
    await this.writeBinaryFile({ ...rest, content: bytes });
  }

  async writeBinaryFile({ path: given, content, abortSignal }: SandboxContent<Uint8Array>) {
    const { files } = this.#options.codex;
    const place = await this.#placeOf(given);
    const signal = abortSignal;
    await files.mkdir(this.#paths.dirname(place), { recursive: true, signal });
    await files.write(place, content, { signal });
  }

  async writeTextFile(
    options: Parameters<SandboxFilesAndCommands["writeTextFile"]>[0],
  ): Promise<void> {
    const { content, encoding = "utf-8", ...rest } = options;
    if (!/^utf-?8$/i.test(encoding)) {
      throw unsupported("encoding", "must be utf-8; write other text as bytes");
    }
    await this.writeBinaryFile({ ...rest, content: new TextEncoder().encode(content) });
  }

  async run(
    options: SandboxCommand,
  ): Promise<{ exitCode: number; stdout: string; stderr: string }> {
    const command = await this.#start(options);
    const { exitCode, stdout, stderr } = await command.exit;
    return { exitCode, stdout, stderr };
  }

  async spawn(options: SandboxCommand): Promise<SandboxProcess> {
    const command = await this.#start(options);
    const exit = command.exit.then(({ exitCode }) => ({ exitCode }));
    exit.catch(() => undefined);
    return {
      stdout: streamOf(command.stdout),
      stderr: streamOf(command.stderr),
      wait: () => exit,
      kill: () => command.terminate(),
    };
  }

  getPortEndpoint({ port }: { port: number }): Promise<never> {
    return Promise.reject(unsupported("port", `${port} cannot be reached: nothing is exposed`));
  }

  getPortUrl(options: { port: number }): Promise<never> {
    return this.getPortEndpoint(options);
  }

  async stop(): Promise<void> {
    await Promise.all([...this.#running].map((command) => command.terminate()));
  }

  destroy(): Promise<void> {
    return this.stop();
  }

  /** Counts for commands that begin later. */
  setNetworkPolicy({ mode }: SandboxNetworkPolicy): Promise<void> {
    check("mode", mode, oneOf("allow-all", "deny-all", "custom"));
    if (mode === "custom") {
      throw unsupported("mode", "cannot be custom: Codex lets all hosts be reached, or none");
    }
    if (mode === "deny-all" && this.#options.commands === "danger-full-access") {
      throw unsupported("mode", "cannot be deny-all: these commands are in no sandbox");
    }
    this.#hasNetwork = mode === "allow-all";
    return Promise.resolve();
  }

  restricted(): SandboxFilesAndCommands {
    return {
      description: this.description,
      readFile: (options) => this.readFile(options),
      readBinaryFile: (options) => this.readBinaryFile(options),
      readTextFile: (options) => this.readTextFile(options),
      writeFile: (options) => this.writeFile(options),
      writeBinaryFile: (options) => this.writeBinaryFile(options),
      writeTextFile: (options) => this.writeTextFile(options),
      spawn: (options) => this.spawn(options),
      run: (options) => this.run(options),
    };
  }

  get #paths(): typeof path.posix {
    return path.posix.isAbsolute(this.#options.directory) ? path.posix : path.win32;
  }

  async #start({ command, workingDirectory, env, abortSignal }: SandboxCommand) {
    const { codex, directory } = this.#options;
    const cwd = workingDirectory === undefined ? directory : await this.#placeOf(workingDirectory);
    const handle = codex.exec(["/bin/sh", "-c", command], {
      cwd,
      sandbox: this.#policy(),
      maxCollectedBytes: maxOutputBytes,
      ...(env ? { env } : undefined),
      ...(abortSignal ? { signal: abortSignal } : undefined),
    });
    this.#running.add(handle);
    const forget = (): void => void this.#running.delete(handle);
    handle.exit.then(forget, forget);
    return handle;
  }

  #policy(): SandboxPolicy {
    const { directory, commands } = this.#options;
    if (commands === "danger-full-access") return { type: "dangerFullAccess" };
    return {
      type: "workspaceWrite",
      writableRoots: [directory],
      networkAccess: this.#hasNetwork,
      excludeTmpdirEnvVar: true,
      excludeSlashTmp: true,
    };
  }

  /** @throws InvalidArgumentError for a path outside the directory, or through a link. */
  async #placeOf(given: string): Promise<string> {
    const { directory, codex } = this.#options;
    const places = {
      files: codex.files,
      exec: (...call: Parameters<typeof codex.exec>) => codex.exec(...call),
    };
    if (await staysInside(places, directory, given)) {
      return this.#paths.resolve(directory, given);
    }
    throw unsupported("path", "must stay in the directory of the sandbox, and go through no link");
  }
}

function streamOf(output: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = output[Symbol.asyncIterator]();
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      const step = await iterator.next();
      if (step.done === true) controller.close();
      else controller.enqueue(step.value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}
