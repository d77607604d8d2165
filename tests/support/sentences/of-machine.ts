import { expect } from "@jest/globals";
import { execFile } from "node:child_process";
import { chmod, copyFile, link, mkdir, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import type { SentenceName } from "../../../lib/errors/server-sentences.js";
import {
  AppServerClient,
  HandshakeError,
  type AppServerClientOptions,
  type SandboxCheck,
} from "../../../lib/index.js";
import { HeardServer } from "../heard-server.js";
import { lockDatabase } from "../lock-database.js";
import { serverUnderTest } from "../raw-client.js";
import { rejection, type RealStage } from "../real.js";
import { compileProgram } from "../compile-program.js";
import type { StartOutcome } from "../start-host.js";
import { file, type FileParams } from "./of-requests.js";
import type { Alone, Saying } from "./saying.js";

const run = promisify(execFile);
const host = new URL("../start-host.ts", import.meta.url);

/** Programs that take the rights of root from what they start. */
const withoutRights =
  process.geteuid?.() === 0 ? ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] : [];

/** What Linux is asked for, by paths that are the same on every machine. */
export const ofLinux: Partial<Record<SentenceName, Alone>> = {
  EACCES: async (stage) => {
    const place = path.join(stage.project, "closed");
    await mkdir(place, { mode: 0o000 });
    const command = await program(
      stage,
      `exec ${[...withoutRights, serverUnderTest()].join(" ")} "$@"`,
    );
    await using server = await HeardServer.start(stage, { command });
    const saying = await file(server, "EACCES", "fs/readDirectory", { path: place });
    await chmod(place, 0o700);
    return saying;
  },
  EPERM: (stage) => onFiles(stage, "EPERM", "fs/remove", { path: "/proc/version" }),
  ENOSPC: (stage) =>
    onFiles(stage, "ENOSPC", "fs/writeFile", { path: "/dev/full", dataBase64: "aGk=" }),
  EIO: (stage) => onFiles(stage, "EIO", "fs/readFile", { path: "/proc/self/mem" }),

  databaseLocked: async (stage) => {
    await (await stage.client()).close();
    const database = path.join(stage.home, await databaseIn(stage));
    const locking = execFile("perl", ["-e", lockDatabase, database]);
    await new Promise((resolve) => locking.stdout?.once("data", resolve));
    try {
      return await failedStart(
        stage.options({ startTimeoutMs: 120_000 }),
        "has locked for too long",
      );
    } finally {
      locking.kill();
    }
  },

  stateNotOpened: refusedDatabase,
  fileRefused: refusedDatabase,
};

/** What takes namespaces, to put a file system in a place or to make a sandbox. */
export const inNamespaces: Partial<Record<SentenceName, Alone>> = {
  EROFS: async (stage) => {
    const place = path.join(stage.project, "read-only");
    await mkdir(place);
    const command = await mounting(stage, `mount -t tmpfs -o ro tmpfs ${place}`);
    await using server = await HeardServer.start(stage, { command });
    const params = { path: path.join(place, "file"), dataBase64: "" };
    return await file(server, "EROFS", "fs/writeFile", params);
  },

  diskFull: async (stage) => {
    const home = path.join(stage.project, "full-home");
    await mkdir(home);
    const command = await mounting(stage, `mount -t tmpfs -o size=64k tmpfs ${home}`);
    const env = { CODEX_HOME: home, CODEX_SQLITE_HOME: home };
    return failedStart(stage.options({ codexPath: command, env }), "is on a disk that is full");
  },

  bubblewrapMissing: async (stage) => {
    // The program alone, without what comes with it.
    const codexPath = path.join(stage.project, "alone", "codex");
    await mkdir(path.dirname(codexPath));
    await link(serverUnderTest(), codexPath).catch(() => copyFile(serverUnderTest(), codexPath));
    const client = await stage.client({ codexPath, env: { PATH: await withTrueAlone(stage) } });
    return judged(await client.sandbox.check({ sandbox: "read-only" }), "bubblewrapMissing");
  },

  sandboxPathMissing: async (stage) => {
    const client = await stage.client();
    const writableRoots = [path.join(stage.project, "missing")];
    const sandbox = { type: "workspaceWrite", writableRoots } as const;
    return judged(await client.sandbox.check({ sandbox }), "pathMissing");
  },

  sandboxForbidden: async (stage) => {
    const forbid = `echo 0 > /proc/sys/user/max_user_namespaces && exec ${serverUnderTest()} "$@"`;
    const script = `exec unshare --user --map-root-user sh -c '${forbid}' codex "$@"`;
    const client = await stage.client({ codexPath: await program(stage, script) });
    return judged(await client.sandbox.check({ sandbox: "read-only" }), "forbidden");
  },

  programMissingInSandbox: async (stage) => {
    const client = await stage.client({ env: { PATH: stage.project } });
    const sandbox = "read-only";
    const { stderr } = await client.exec(["true"], { sandbox }).exit;
    const check = await client.sandbox.check({ sandbox });
    return {
      text: stderr,
      decides: () => {
        expect(check).toEqual({ works: true });
      },
    };
  },
};

/** Whether this machine lets us make namespaces, and the server a sandbox. */
export async function canMakeNamespaces(stage: RealStage): Promise<boolean> {
  try {
    await run("unshare", ["--map-root-user", "--mount", "true"]);
    const client = await stage.client();
    return (await client.sandbox.check({ sandbox: "read-only" })).works;
  } catch {
    return false;
  }
}

/** A start with a database that may not be read and written. */
async function refusedDatabase(stage: RealStage): Promise<Saying> {
  await (await stage.client()).close();
  const database = path.join(stage.home, await databaseIn(stage));
  await chmod(database, 0o000);
  const options = JSON.stringify({ ...stage.options(), codexPath: serverUnderTest() });
  const start = [...withoutRights, process.execPath, await compileProgram(host), options];
  const [command = "", ...args] = start;
  const { stdout } = await run(command, args);
  await chmod(database, 0o600);
  const { code, message } = JSON.parse(stdout) as StartOutcome;
  const [ours = "", text = ""] = message.split("The process wrote to stderr:\n");
  return {
    text,
    decides: () => {
      expect(code).toBe("HANDSHAKE_FAILED");
      expect(ours).toContain(`holds ${path.basename(database)}, which this process may not read`);
    },
  };
}

async function onFiles(
  stage: RealStage,
  ...rest: [errno: string, method: Parameters<typeof file>[2], params: FileParams]
): Promise<Saying> {
  await using server = await HeardServer.start(stage);
  return await file(server, ...rest);
}

async function failedStart(options: AppServerClientOptions, advice: string): Promise<Saying> {
  const error = await rejection(AppServerClient.start(options));
  return {
    text: error instanceof HandshakeError ? error.stderrTail : "",
    decides: () => {
      expect(error).toBeInstanceOf(HandshakeError);
      expect(error.message).toContain(advice);
    },
  };
}

function judged(check: SandboxCheck, reason: string): Saying {
  return {
    text: check.works ? "" : check.stderr,
    decides: () => {
      expect(check).toMatchObject({ works: false, reason });
    },
  };
}

/** A shell script in place of the server. */
async function program(stage: RealStage, script: string): Promise<string> {
  const command = path.join(stage.project, "codex");
  await writeFile(command, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return command;
}

function mounting(stage: RealStage, mount: string): Promise<string> {
  const inside = `${mount} && exec ${serverUnderTest()} "$@"`;
  return program(stage, `exec unshare --map-root-user --mount sh -c '${inside}' codex "$@"`);
}

/** A directory with nothing but the program that the check runs. */
async function withTrueAlone(stage: RealStage): Promise<string> {
  const directory = path.join(stage.project, "bin");
  await mkdir(directory);
  await copyFile("/bin/true", path.join(directory, "true"));
  return directory;
}

async function databaseIn(stage: RealStage): Promise<string> {
  return (await readdir(stage.home)).find((name) => /^state.*\.sqlite$/.test(name)) ?? "";
}
