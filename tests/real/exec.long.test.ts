import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdir, readFile, realpath, writeFile } from "node:fs/promises";
import path from "node:path";
import { buffer, text } from "node:stream/consumers";
import {
  CommandFailedError,
  CommandNotStartedError,
  OutputOverflowError,
  OutputStreamError,
  type Codex,
} from "../../lib/index.js";
import { collect } from "../support/collect.js";
import { RealStage, rejection } from "../support/real.js";
import { makeTempDir } from "../support/temp-dir.js";

let stage: RealStage;
let codex: Codex;

beforeAll(async () => {
  stage = await RealStage.open();
  codex = stage.codex();
});
afterAll(() => stage.close());

const sh = (script: string) => ["sh", "-c", script];

describe("running a command", () => {
  test("gives its exit code and what it wrote, to each stream", async () => {
    const command = codex.exec(sh("echo out; echo err >&2; exit 3"));
    expect(await command.exit).toEqual({
      exitCode: 3,
      stdout: "out\n",
      stderr: "err\n",
      stdoutTruncated: false,
      stderrTruncated: false,
      timedOut: false,
    });
  });

  test("takes arguments as they are: no shell is involved", async () => {
    const { stdout } = await codex.exec(["printf", "%s|", "a b", "$HOME", "*", ""]).exit;
    expect(stdout).toBe("a b|$HOME|*||");
  });

  test("happens where it is told to, with the environment changed as told", async () => {
    await mkdir(path.join(stage.project, "sub"), { recursive: true });
    expect((await codex.exec(["pwd"]).exit).stdout).toBe(`${stage.project}\n`);
    const sub = path.relative(process.cwd(), path.join(stage.project, "sub"));
    expect((await codex.exec(["pwd"], { cwd: sub }).exit).stdout).toBe(`${stage.project}/sub\n`);
    const env = { ADDED: "yes", CODEX_HOME: null };
    const script = 'echo "$ADDED-${CODEX_HOME-gone}"';
    const { stdout } = await codex.exec(sh(script), { cwd: "/", env }).exit;
    expect(stdout).toBe("yes-gone\n");
  });

  test("that does not exist, or where nothing is, says what to check", async () => {
    const missing = await rejection(codex.exec(["no-such-program-anywhere"]).exit);
    expect(missing).toBeInstanceOf(CommandNotStartedError);
    expect(missing).toMatchObject({ code: "COMMAND_NOT_STARTED", method: "command/exec" });
    const nowhere = codex.exec(["true"], { cwd: "/no/such/directory" });
    expect(await rejection(nowhere.exit)).toBeInstanceOf(CommandNotStartedError);
    expect(await rejection(collect(nowhere.stdout))).toBeInstanceOf(CommandNotStartedError);
  });

  test("that fails throws only when asked to", async () => {
    const error = await rejection(
      codex.exec(sh("echo no >&2; exit 9"), { throwOnFailure: true }).exit,
    );
    expect(error).toBeInstanceOf(CommandFailedError);
    expect(error).toMatchObject({ result: { exitCode: 9, stderr: "no\n" } });
    expect(await codex.exec(["true"], { throwOnFailure: true }).exit).toMatchObject({
      exitCode: 0,
    });
  });

  test("works a hundred times at once, each with its own output", async () => {
    const numbers = Array.from({ length: 100 }, (_, index) => index);
    const results = await Promise.all(
      numbers.map(
        (number) => codex.exec(sh(`sleep 0.2; echo ${number}; echo e${number} >&2`)).exit,
      ),
    );
    expect(results.map(({ stdout }) => stdout)).toEqual(numbers.map((number) => `${number}\n`));
    expect(results.map(({ stderr }) => stderr)).toEqual(numbers.map((number) => `e${number}\n`));
  });

  test("does not hold up others, however many commands take however long", async () => {
    const client = await stage.client({ maxInFlight: 4 });
    const commands = Array.from({ length: 20 }, () => client.exec(["cat"], { stdin: true }));
    const { exitCode } = await client.exec(["true"]).exit;
    expect(exitCode).toBe(0);
    await client.request("thread/loaded/list", {});
    await Promise.all(commands.map((command) => command.closeStdin()));
    const results = await Promise.all(commands.map(({ exit }) => exit));
    expect(new Set(results.map((result) => result.exitCode))).toEqual(new Set([0]));
    await client.close();
  });
});

describe("output", () => {
  test("comes byte by byte as it was written, whatever the bytes", async () => {
    const bytes = Buffer.from(Array.from({ length: 100_000 }, (_, index) => (index * 7) % 256));
    const file = path.join(stage.project, "bytes.bin");
    await writeFile(file, bytes);
    expect((await buffer(codex.exec(["cat", file]).stdout)).equals(bytes)).toBe(true);
  });

  test("is decoded across chunks: a character may come in two pieces", async () => {
    const script = "printf '\\342\\202'; read line; printf '\\254!'";
    const command = codex.exec(sh(script), { stdin: true });
    const chunks = command.stdout.bytes();
    const first = await chunks.next();
    expect([...(first.value ?? [])]).toEqual([0xe2, 0x82]);
    await command.write("\n");
    await command.exit;
    expect((await command.exit).stdout).toBe("€!");

    const again = codex.exec(sh(script), { stdin: true });
    const pieces = collect(again.stdout.text());
    await again.write("\n");
    expect((await pieces).join("")).toBe("€!");
  });

  test("comes while the command runs, line by line", async () => {
    const command = codex.exec(sh("while read x; do echo got $x; done"), { stdin: true });
    const lines = command.stdout.lines();
    for (const word of ["one", "two", "three"]) {
      await command.write(`${word}\n`);
      expect(await lines.next()).toEqual({ value: `got ${word}`, done: false });
    }
    await command.closeStdin();
    expect(await lines.next()).toEqual({ value: undefined, done: true });
    expect(await command.exit).toMatchObject({
      exitCode: 0,
      stdout: "got one\ngot two\ngot three\n",
    });
  });

  test("of any size comes whole to a reader, while the result keeps its start", async () => {
    const size = 50_000_000;
    const command = codex.exec(sh(`head -c ${size} /dev/zero | tr '\\0' a; echo end`));
    let length = 0;
    let last = "";
    for await (const piece of command.stdout.text()) {
      length += piece.length;
      last = piece;
    }
    expect(length).toBe(size + 4);
    expect(last.endsWith("end\n")).toBe(true);
    const result = await command.exit;
    expect(result.stdout).toBe("a".repeat(1_048_576));
    expect(result).toMatchObject({ stdoutTruncated: true, stderrTruncated: false });
  });

  test("that nobody reads is dropped with a word, once it is too much", async () => {
    const command = codex.exec(["head", "-c", "300000", "/dev/zero"], { maxBacklogBytes: 100_000 });
    await command.exit;
    let length = 0;
    const reading = (async () => {
      for await (const chunk of command.stdout) length += chunk.length;
    })();
    expect(await rejection(reading)).toBeInstanceOf(OutputOverflowError);
    expect(length).toBeLessThanOrEqual(100_000);
  });

  test("is sent no further than the cap, and the command runs on", async () => {
    const options = { outputBytesCap: 1_000 };
    const command = codex.exec(sh("head -c 5000000 /dev/zero | tr '\\0' a; echo e >&2"), options);
    expect((await text(command.stdout)).length).toBe(1_000);
    expect(await command.exit).toMatchObject({
      exitCode: 0,
      stdoutTruncated: true,
      stderr: "e\n",
      stderrTruncated: false,
    });
  });

  test("may be collected by the server", async () => {
    const options = { streamOutput: false, maxCollectedBytes: 5 };
    const command = codex.exec(sh("echo 1234567; echo err >&2"), options);
    expect(() => command.stdout.lines()).toThrow(OutputStreamError);
    expect(await command.exit).toMatchObject({
      exitCode: 0,
      stdout: "12345",
      stdoutTruncated: true,
      stderr: "err\n",
      stderrTruncated: false,
    });
  });

  test("that is no longer wanted does not end the command", async () => {
    const command = codex.exec(sh("echo ready; read x; echo $x"), { stdin: true });
    for await (const line of command.stdout.lines()) {
      expect(line).toBe("ready");
      break;
    }
    await command.write("on\n");
    expect(await command.exit).toMatchObject({ exitCode: 0, stdout: "ready\non\n" });
  });
});

describe("the sandbox", () => {
  test("by another name is refused, instead of running without one", async () => {
    const options = { sandboxPolicy: { type: "readOnly" } } as object;
    expect(() => codex.exec(sh("echo x > unasked"), options)).toThrow(
      "sandboxPolicy is not an option of exec(). Did you mean sandbox?",
    );
    // The server carries out in order what it is sent.
    await codex.exec(["true"]).exit;
    await expect(readFile(path.join(stage.project, "unasked"))).rejects.toThrow("ENOENT");
  });

  test("read-only refuses to write, and lets the command read", async () => {
    await writeFile(path.join(stage.project, "given"), "given");
    const command = codex.exec(sh("cat given; echo x > made"), { sandbox: "read-only" });
    const { exitCode, stdout, stderr } = await command.exit;
    expect(stdout).toBe("given");
    expect(stderr).toMatch(/Read-only file system|Permission denied|Operation not permitted/);
    expect(exitCode).not.toBe(0);
    await expect(readFile(path.join(stage.project, "made"))).rejects.toMatchObject({
      code: "ENOENT",
    });
  });

  test("workspace-write lets it write where it runs, and nowhere else", async () => {
    await using other = await makeTempDir();
    await using third = await makeTempDir();
    // The temporary directories count as workspace, too, unless they are elsewhere.
    const env = { TMPDIR: null };
    const options = { sandbox: "workspace-write", cwd: other.path, env } as const;
    const inside = codex.exec(sh("echo x > made && cat made"), options);
    expect(await inside.exit).toMatchObject({ exitCode: 0, stdout: "x\n" });
    const sandbox = {
      type: "workspaceWrite" as const,
      writableRoots: [other.path],
      excludeSlashTmp: true,
      excludeTmpdirEnvVar: true,
    };
    const outside = codex.exec(sh(`echo x > "${third.path}/made"`), { ...options, sandbox });
    expect((await outside.exit).exitCode).not.toBe(0);
    await expect(readFile(path.join(third.path, "made"))).rejects.toMatchObject({ code: "ENOENT" });
  });

  test("danger-full-access lets it write anywhere", async () => {
    await using other = await makeTempDir();
    const cwd = await realpath(other.path);
    const command = codex.exec(sh("echo x > made"), { sandbox: "danger-full-access", cwd });
    expect(await command.exit).toMatchObject({ exitCode: 0 });
    expect(await readFile(path.join(cwd, "made"), "utf8")).toBe("x\n");
  });

  test("may be a permission profile", async () => {
    const command = codex.exec(sh("echo x > made"), { permissionProfile: ":read-only" });
    expect((await command.exit).exitCode).not.toBe(0);
    const unknown = codex.exec(["true"], { permissionProfile: "nobody-made-this" });
    expect(await rejection(unknown.exit)).toMatchObject({ code: "INVALID_REQUEST" });
  });
});
