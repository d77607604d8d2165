import { describe, expect, test } from "@jest/globals";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { AppServerClient, Codex, HandshakeError, InvalidArgumentError } from "../../lib/index.js";
import { problemOf } from "../../lib/runtime/codex-home.js";
import { makeTempDir } from "../support/temp-dir.js";
import { errorOf } from "./error-of.js";

/** As codex 0.169.0 puts it. */
function notOpened(home: string, why: string): string {
  return (
    `Error: failed to initialize sqlite state runtime under ${home}: failed to initialize state runtime at ` +
    `${home}: failed to open state DB at ${home}/state_5.sqlite: error returned from database: ${why}: error ` +
    `returned from database: ${why}: ${why}`
  );
}

/** The directories of a server that has but one. */
function placeAt(directory: string) {
  const home = { path: directory, variable: "CODEX_HOME", isMade: false } as const;
  return { home, databases: home };
}

/** How a start ends whose runtime is a shell script. */
async function startScript(home: string, script: string, startTimeoutMs = 30_000): Promise<Error> {
  const codexPath = path.join(home, "codex");
  await writeFile(codexPath, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return errorOf(AppServerClient.start({ codexPath, env: { CODEX_HOME: home }, startTimeoutMs }));
}

describe("a server that cannot use its CODEX_HOME", () => {
  test("because another process has locked its database for too long says so", async () => {
    await using home = await makeTempDir();
    const words = notOpened(home.path, "(code: 5) database is locked");
    const error = await startScript(home.path, `echo '${words}' >&2; exit 1`);
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error.message).toContain(
      `ended with code 1 before it answered: ${home.path}, the server's directory (CODEX_HOME), holds a ` +
        "database that another process has locked for too long. End that process, or give this server a " +
        "directory of its own with the option codexHome.",
    );
  });

  test("because it waits for a lock longer than it may take to start names the directory", async () => {
    await using home = await makeTempDir();
    const error = await startScript(home.path, "exec sleep 60", 5_000);
    expect(error.message).toBe(
      "The process did not answer within 5000 ms; it may not be a codex app-server, or wait for another " +
        `process that has locked a database in ${home.path}. Raise startTimeoutMs if it only needs longer.`,
    );
  });

  test("says so, and does not go on trying, where no directory can be made", async () => {
    const error = await errorOf(AppServerClient.start({ codexHome: "/proc/none/codex" }));
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error.message).toContain(
      "/proc/none/codex, the server's directory (CODEX_HOME), does not",
    );
  });

  test("because the disk is full says so", async () => {
    await using home = await makeTempDir();
    for (const why of ["(code: 13) database or disk is full", "(code: 4874) disk I/O error"]) {
      expect(await problemOf(placeAt(home.path), notOpened(home.path, why))).toBe(
        `${home.path}, the server's directory (CODEX_HOME), is on a disk that is full. Make room on it.`,
      );
    }
  });

  test("says nothing of a directory that is all right", async () => {
    await using home = await makeTempDir();
    expect(await problemOf(placeAt(home.path))).toBeUndefined();
    const error = await startScript(home.path, "echo 'Error: permission denied' >&2; exit 1");
    expect(error.message).toContain("may not be a codex app-server");
    expect(error.message).not.toContain(home.path);
  });

  test("names the directory that it really has: relative to where it runs, or the user's own", async () => {
    await using home = await makeTempDir();
    const codexPath = path.join(home.path, "codex");
    await writeFile(codexPath, "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    const cwd = home.path;
    const start = (env: Record<string, string | undefined>) =>
      errorOf(AppServerClient.start({ codexPath, cwd, env }));
    expect((await start({ CODEX_HOME: "sub/home" })).message).toContain(`${cwd}/sub/home, the`);
    // A home that is no directory, since the server makes the directory itself.
    for (const unset of [undefined, ""]) {
      const own = await start({ CODEX_HOME: unset, HOME: codexPath });
      expect(own.message).toContain(
        `${codexPath}/.codex, the server's directory (CODEX_HOME), lies`,
      );
    }
    const databases = path.join(codexPath, "databases");
    const elsewhere = await start({ CODEX_HOME: cwd, CODEX_SQLITE_HOME: databases });
    expect(elsewhere.message).toContain(
      `${databases}, the server's directory (CODEX_SQLITE_HOME), lies below`,
    );
  });

  test("says nothing of directories that the server makes by itself", async () => {
    await using home = await makeTempDir();
    const codexPath = path.join(home.path, "codex");
    await writeFile(codexPath, "#!/bin/sh\nexit 1\n", { mode: 0o755 });
    const HOME = path.join(home.path, "user");
    const env = { CODEX_HOME: undefined, HOME, CODEX_SQLITE_HOME: path.join(HOME, "databases") };
    const error = await errorOf(AppServerClient.start({ codexPath, env }));
    expect(error.message).toContain("may not be a codex app-server");
    expect(error.message).not.toContain(HOME);
  });
});

describe("the option codexHome is refused", () => {
  test.each([
    [{ codexHome: "" }, "codexHome must be a string that is not empty"],
    [{ codexHome: 5 }, "codexHome must be a string that is not empty"],
    [{ codexHome: "a\0b" }, "codexHome must not contain a NUL character"],
    [{ codexHome: "/x", env: { CODEX_HOME: "/y" } }, "codexHome says what env.CODEX_HOME says."],
    [{ codexHome: "/x", launch: { command: "ssh" } }, "codexHome is for a server of this machine."],
    [{ codexHome: "/x", url: "ws://127.0.0.1:1" }, "codexHome is not an option of Codex"],
  ])("%j", (options, message) => {
    const making = () => new Codex(options as never);
    expect(making).toThrow(InvalidArgumentError);
    expect(making).toThrow(message);
  });

  test("but not for a variable that is taken away", () => {
    const env = { CODEX_HOME: undefined };
    expect(() => new Codex({ codexHome: "/x", env })).not.toThrow();
  });
});
