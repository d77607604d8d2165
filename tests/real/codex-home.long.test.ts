import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { chmod, chown, mkdir, readdir, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { AppServerClient, HandshakeError, type AppServerClientOptions } from "../../lib/index.js";
import { compileProgram } from "../support/compile-program.js";
import { RealStage, rejection } from "../support/real.js";
import type { StartOutcome } from "../support/start-host.js";
import { makeTempDir } from "../support/temp-dir.js";

const host = new URL("../support/start-host.ts", import.meta.url);
const run = promisify(execFile);
const isRoot = process.geteuid?.() === 0;
const called = "the server's directory (CODEX_HOME),";

let stage: RealStage;

beforeAll(async () => {
  stage = await RealStage.open();
});
afterAll(() => stage.close());

/** How a start goes for a user with the rights of anybody: root has those of everybody, and gives them up. */
async function startPlainly(options: AppServerClientOptions): Promise<StartOutcome> {
  const program = [process.execPath, await compileProgram(host), JSON.stringify(options)];
  const [command = "", ...args] = isRoot
    ? ["setpriv", "--bounding-set=-all", "--inh-caps=-all", ...program]
    : program;
  const { stdout } = await run(command, args);
  return JSON.parse(stdout) as StartOutcome;
}

/** The stage's options without the directories that it has made. */
function withEnv(added: Record<string, string> = {}): AppServerClientOptions {
  const { env = {}, ...options } = stage.options();
  const made = ["CODEX_HOME", "CODEX_SQLITE_HOME"];
  const others = Object.entries(env).filter(([name]) => !made.includes(name));
  return { ...options, env: { ...Object.fromEntries(others), ...added } };
}

function withHome(CODEX_HOME: string): AppServerClientOptions {
  return withEnv({ CODEX_HOME });
}

describe("a CODEX_HOME that no server can work with is named, with what to do:", () => {
  test("it is missing", async () => {
    const home = path.join(stage.home, "missing");
    const error = await rejection(AppServerClient.start(withHome(home)));
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error.message).toContain(
      `ended with code 1 before it answered: ${home}, ${called} does not exist. Make it, or name it with ` +
        "the option codexHome, which makes it.",
    );
    expect(await stage.processes()).toEqual([]);
  });

  test("it is a file, or lies below one", async () => {
    const file = path.join(stage.home, "a-file");
    await writeFile(file, "");
    const error = await rejection(AppServerClient.start(withHome(file)));
    expect(error.message).toContain(`${file}, ${called} is not a directory.`);
    const below = await rejection(AppServerClient.start(withHome(path.join(file, "below"))));
    expect(below.message).toContain("lies below a file, which is not a directory.");
  });

  test("it is a link that leads nowhere", async () => {
    const link = path.join(stage.home, "a-link");
    await symlink(path.join(stage.home, "nowhere"), link);
    const error = await rejection(AppServerClient.start(withHome(link)));
    expect(error.message).toContain(`${link}, ${called} is a link that leads nowhere.`);
  });

  test.each([
    ["nobody may enter it", 0o000, "0000"],
    ["it cannot be written", 0o500, "0500"],
  ])("%s", async (_, mode, shown) => {
    await using directory = await makeTempDir();
    const home = path.join(directory.path, "home");
    await mkdir(home);
    await chmod(home, mode);
    const { code, message } = await startPlainly(withHome(home));
    expect(code).toBe("HANDSHAKE_FAILED");
    expect(message).toContain(
      `${home}, ${called} may not be read and written by this process: its mode is ${shown}. Correct its ` +
        "owner or its mode, or name another directory with the option codexHome.",
    );
    await chmod(home, 0o700);
  });

  test("it lies where nobody may enter", async () => {
    await using directory = await makeTempDir();
    const home = path.join(directory.path, "closed", "home");
    await mkdir(home, { recursive: true });
    await chmod(path.dirname(home), 0o000);
    const { code, message } = await startPlainly(withHome(home));
    await chmod(path.dirname(home), 0o700);
    expect(code).toBe("HANDSHAKE_FAILED");
    expect(message).toContain(`${home}, ${called} may not be read and written by this process`);
    expect(message).toContain("a directory on the way to it may not be entered");
  });

  test("it belongs to somebody else", async () => {
    await using directory = await makeTempDir();
    const home = isRoot ? path.join(directory.path, "home") : "/";
    if (isRoot) {
      await mkdir(home, { mode: 0o700 });
      await chown(home, 65_534, 65_534);
    }
    const { code, message } = await startPlainly(withHome(home));
    expect(code).toBe("HANDSHAKE_FAILED");
    const { uid } = await stat(home);
    const own = process.geteuid?.() ?? 0;
    expect(message).toContain(`${home}, ${called} may not be read and written by this process`);
    expect(message).toContain(`it belongs to another user (${uid}; this process runs as ${own})`);
  });

  test("it holds files that may not be read and written", async () => {
    await using directory = await makeTempDir();
    const home = path.join(directory.path, "home");
    await mkdir(home);
    await (await AppServerClient.start(withHome(home))).close();
    const database = (await readdir(home)).find((name) => /^state.*\.sqlite$/.test(name)) ?? "";
    await chmod(path.join(home, database), 0o000);
    const { code, message } = await startPlainly(withHome(home));
    expect(code).toBe("HANDSHAKE_FAILED");
    expect(message).toContain(
      `${home}, ${called} holds ${database}, which this process may not read and write: its mode is 0000.`,
    );
  });

  test("it is the user's own, and cannot be made", async () => {
    await using directory = await makeTempDir();
    const HOME = path.join(directory.path, "user");
    await mkdir(HOME);
    await chmod(HOME, 0o500);
    const { code, message } = await startPlainly(withEnv({ HOME }));
    expect(code).toBe("HANDSHAKE_FAILED");
    expect(message).toContain(
      `${HOME}/.codex, ${called} does not exist, and cannot be made: ${HOME} may not be written by this process.`,
    );
  });
});

describe("the option codexHome", () => {
  function optionsWith(codexHome: string): AppServerClientOptions {
    return { ...withEnv(), codexHome };
  }

  test("takes ~ for the home directory of the server's user, and makes no directory of that name", async () => {
    await using directory = await makeTempDir();
    const { env, ...options } = optionsWith("~/mine");
    const own = { ...options, env: { ...env, HOME: directory.path } };
    await using client = await AppServerClient.start(own);
    expect(client.serverInfo.codexHome).toBe(path.join(directory.path, "mine"));
    await expect(stat("~")).rejects.toThrow("ENOENT");
  });

  test("is where the server works, and is made for this user alone", async () => {
    await using directory = await makeTempDir();
    const codexHome = path.join(directory.path, "tenants", "one");
    await using client = await AppServerClient.start(optionsWith(codexHome));
    expect(client.serverInfo.codexHome).toBe(codexHome);
    for (const made of [codexHome, path.dirname(codexHome)]) {
      expect((await stat(made)).mode & 0o777).toBe(0o700);
    }
    await expect((await client.startThread()).run("Hi")).resolves.toMatchObject({
      status: "completed",
    });
  });

  test("starts at this process's working directory, and goes before the environment", async () => {
    await using directory = await makeTempDir();
    const before = process.env["CODEX_HOME"];
    process.env["CODEX_HOME"] = "/not/this/one";
    const codexHome = path.relative(process.cwd(), path.join(directory.path, "home"));
    try {
      await using client = await AppServerClient.start(optionsWith(codexHome));
      expect(client.serverInfo.codexHome).toBe(path.join(directory.path, "home"));
    } finally {
      if (before === undefined) delete process.env["CODEX_HOME"];
      else process.env["CODEX_HOME"] = before;
    }
  });

  test("that is there already keeps its mode", async () => {
    await using directory = await makeTempDir();
    await chmod(directory.path, 0o750);
    await using client = await AppServerClient.start(optionsWith(directory.path));
    expect(client.serverInfo.codexHome).toBe(directory.path);
    expect((await stat(directory.path)).mode & 0o777).toBe(0o750);
  });

  test("that is a file is refused before a server is started", async () => {
    await using directory = await makeTempDir();
    const codexHome = path.join(directory.path, "file");
    await writeFile(codexHome, "");
    const error = await rejection(AppServerClient.start(optionsWith(codexHome)));
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error.message).toBe(
      `No server was started: ${codexHome}, ${called} is not a directory. ` +
        "Name another directory with the option codexHome.",
    );
  });

  test("that cannot be made, or used, says why", async () => {
    await using directory = await makeTempDir();
    const closed = path.join(directory.path, "closed");
    await mkdir(closed);
    await chmod(closed, 0o500);
    const made = await startPlainly(optionsWith(path.join(closed, "one", "two")));
    expect(made).toMatchObject({ code: "HANDSHAKE_FAILED" });
    expect(made.message).toContain(`cannot be made: ${closed} may not be written by this process`);
    const used = await startPlainly(optionsWith(closed));
    expect(used.message).toContain("No server was started");
    expect(used.message).toContain("its mode is 0500");
  });
});
