import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { lockHolders } from "../../lib/doctor/lock-holders.js";
import { Codex, RUNTIME_VERSION, SDK_VERSION } from "../../lib/index.js";
import { DoctorStage, type DoctorRun } from "../support/doctor.js";
import { ListeningServer } from "../support/listening-server.js";
import { mcpConfig } from "../support/mcp-config.js";
import { initialized } from "../support/scripted-server-messages.js";
import { ScriptedServer, type Script } from "../support/scripted-server.js";
import { lockDatabase } from "../support/lock-database.js";
import { untilGone } from "../support/processes.js";
import { makeTempDir } from "../support/temp-dir.js";
import { withoutNamespaces } from "../support/without-namespaces.js";

const isRoot = process.geteuid?.() === 0;

let stage: DoctorStage;
beforeAll(async () => {
  stage = await DoctorStage.open();
});
afterAll(() => stage[Symbol.asyncDispose]());

/** A program of that name in a directory of its own. */
async function scriptNamed(directory: string, text: string): Promise<string> {
  const file = path.join(directory, "codex");
  await writeFile(file, `#!/bin/sh\n${text}\n`, { mode: 0o755 });
  return file;
}

/** An MCP server that never answers. The server gives it little of its own environment, so it tells its id. */
async function silentServer(directory: string) {
  const told = path.join(directory, "pid");
  await promisify(execFile)("mkfifo", [told]);
  const args = ["-c", `echo $$ > '${told}'; exec sleep 600`];
  const config = { command: "sh", args, startup_timeout_sec: 500 };
  return { config, pid: async () => Number(await readFile(told, "utf8")) };
}

/** The doctor of a server that does what a script says. */
async function scripted(script: Script, args: readonly string[] = []) {
  await using server = await ScriptedServer.create(script);
  await using directory = await makeTempDir();
  const { command, args: words } = server.launch;
  const quoted = [command, ...words].map((word) => `'${word}'`).join(" ");
  const codex = await scriptNamed(directory.path, `exec ${quoted}`);
  return await stage.report(["--codex-path", codex, ...args]);
}

test("the built program runs by itself", async () => {
  // Inside of the package, so that its dependencies are found.
  const dist = path.resolve(".cache", `doctor-${process.pid}`);
  const build = ["--import", "tsx", "scripts/build/index.ts", dist, "--javascript-only"];
  await promisify(execFile)(process.execPath, build);
  try {
    await stage.configure();
    const { code, of } = await stage.report([], { program: path.join(dist, "lib/cli/index.js") });
    expect(code).toBe(0);
    expect(of("packages").says).toContain(`codex-app-server-sdk ${SDK_VERSION}, @openai/codex`);
    expect(of("configuration").status).not.toBe("failure");
  } finally {
    await rm(dist, { recursive: true });
  }
});

test("for people it is a line for each check, without colours in a pipe", async () => {
  await stage.configure();
  const { code, stdout, stderr } = await stage.run([]);
  expect([code, stderr]).toEqual([0, ""]);
  expect(stdout).not.toContain("\u001b");
  const lines = stdout.split("\n");
  expect(lines[0]).toBe(`ok       node           Node.js ${process.versions.node}`);
  expect(lines.filter((line) => /^(ok|warning) /.test(line))).toHaveLength(10);
  expect(stdout).toMatch(/\nNothing would fail\. Warnings: \d\.\n$/);
});

describe("a command line that does not fit ends with code 2, and help with 0:", () => {
  test.each([
    [["--nonsense"], 2],
    [["--url", "http://127.0.0.1:1"], 2],
    [["--url", "ws://me:pass-word@127.0.0.1:1"], 2],
    [["--help"], 0],
  ])("%j", async (args, expected) => {
    const { code, stdout, stderr } = await stage.run(args);
    expect(code).toBe(expected);
    const [said, silent] = expected === 2 ? [stderr, stdout] : [stdout, stderr];
    expect(said).not.toBe("");
    expect(said).not.toContain("pass-word");
    expect(silent).toBe("");
  });
});

describe("the login", () => {
  test("is a failure when there is none, and the cure names the directory", async () => {
    await using directory = await makeTempDir();
    const { code, report, of } = await stage.report(["--codex-home", directory.path]);
    expect([code, report.healthy]).toEqual([1, false]);
    expect(of("login")).toEqual({
      name: "login",
      status: "failure",
      says: 'Nobody is logged in, and the model provider "openai" wants a login: every turn fails.',
      cure: expect.stringMatching(/^Run: .*(@openai\/codex|codex) login, with CODEX_HOME=.*/),
    });
    expect(of("login").cure).toContain(directory.path);
  });

  test("is told by its kind, and its key is not", async () => {
    await using directory = await makeTempDir();
    const key = "sk-loopback-doctor-0123456789";
    const codex = new Codex({
      ...stage.real.options({ config: {} }),
      codexHome: directory.path,
      env: {},
    });
    await codex.login.apiKey(key);
    await codex.close();
    const { stdout } = await stage.run(["--codex-home", directory.path]);
    expect(stdout).toContain("login          by API key");
    expect(stdout).not.toContain(key);
  });

  test("is a key in the environment of a provider of one's own, which has to be set", async () => {
    const { model_providers: providers } = stage.real.options().config as {
      model_providers: { mock: object };
    };
    const mock = { ...providers.mock, env_key: "DOCTOR_TEST_KEY" };
    await stage.configure({ model_providers: { mock } });
    const unset = await stage.report();
    expect(unset.code).toBe(1);
    expect(unset.of("login")).toMatchObject({
      status: "failure",
      says: 'The model provider "mock" takes its key from DOCTOR_TEST_KEY, which is not set.',
    });
    const set = await stage.report([], { env: { DOCTOR_TEST_KEY: "a-key-of-some-length" } });
    expect(set.of("login").status).toBe("ok");
  });
});

describe("the home", () => {
  async function failing(env: NodeJS.ProcessEnv, run: DoctorRun = {}) {
    const { code, of } = await stage.report([], { ...run, env });
    expect(code).toBe(1);
    const { status, says, cure } = of("home");
    expect(status).toBe("failure");
    expect(of("server")).toMatchObject({ status: "skipped" });
    expect(of("network")).toMatchObject({ status: "skipped" });
    return { says, cure };
  }
  const withHome = (home: string) => ({ CODEX_HOME: home, CODEX_SQLITE_HOME: "" });

  test("that is missing, or a file, is a failure", async () => {
    const missing = path.join(stage.home, "missing");
    expect(await failing(withHome(missing))).toEqual({
      says: `${missing}, the server's directory (CODEX_HOME), does not exist.`,
      cure: "Make it, or name it with the option codexHome, which makes it.",
    });
    const file = path.join(stage.home, "a-file");
    await writeFile(file, "");
    expect((await failing(withHome(file))).says).toContain("is not a directory.");
  });

  test("that cannot be written is a failure, with its owner and mode", async () => {
    await using directory = await makeTempDir();
    const home = path.join(directory.path, "home");
    await mkdir(home, { mode: 0o500 });
    // Root may do everything, and gives that up.
    const before = isRoot ? ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] : [];
    const { says, cure } = await failing(withHome(home), { before });
    expect(says).toContain("may not be read and written by this process: its mode is 0500.");
    expect(cure).toContain("Correct its owner or its mode");
  });

  test("that the option names is made, as the application would make it", async () => {
    await using directory = await makeTempDir();
    const home = path.join(directory.path, "one", "two");
    const env = { CODEX_SQLITE_HOME: "" };
    const { of } = await stage.report(["--codex-home", home], { env });
    expect(of("home")).toMatchObject({ status: "ok", says: `${home}, which the start makes` });
    expect(await readdir(home)).toContain("installation_id");
    const again = await stage.report(["--codex-home", home], { env });
    expect(again.of("home").says).toBe(`${home}: can be written`);
    expect((await readdir(home)).filter((name) => name.startsWith(".doctor"))).toEqual([]);
  });

  const onLinux = process.platform === "linux" ? test : test.skip;

  onLinux("whose database another process has locked is a failure that names it", async () => {
    await using directory = await makeTempDir();
    const home = path.join(directory.path, "home");
    const env = { CODEX_SQLITE_HOME: "" };
    const first = await stage.report(["--codex-home", home], { env });
    expect(first.of("server").status).not.toBe("failure");
    const database = (await readdir(home)).find((name) => /^state.*\.sqlite$/.test(name)) ?? "";
    const locking = execFile("perl", ["-e", lockDatabase, path.join(home, database)]);
    await new Promise((resolve) => locking.stdout?.once("data", resolve));
    try {
      const { writers } = await lockHolders(home);
      const { code, of } = await stage.report(["--codex-home", home], { env });
      expect(code).toBe(1);
      if (writers.size > 0) {
        expect(of("home")).toMatchObject({
          status: "failure",
          says: `A database in ${home} is locked by process ${locking.pid}.`,
        });
        expect(of("server").status).toBe("skipped");
      } else {
        // The file system has other numbers for its files: the server has to say so itself.
        expect(of("server").status).toBe("failure");
      }
    } finally {
      locking.kill();
    }
  });

  onLinux("that another server uses, too, is fine", async () => {
    await stage.configure();
    const client = await stage.real.client();
    const { readers } = await lockHolders(stage.home);
    const { of } = await stage.report();
    await client.close();
    expect(of("home").status).toBe("ok");
    const told =
      readers.size > 0 ? /: can be written, in use by process \d+, too$/ : /: can be written$/;
    expect(of("home").says).toMatch(told);
  });
});

describe("the runtime", () => {
  test("that is missing is a failure, and what needs it is skipped", async () => {
    const { code, of } = await stage.report(["--codex-path", "/nowhere/codex"]);
    expect(code).toBe(1);
    expect(of("runtime")).toMatchObject({
      status: "failure",
      says: "No codex runtime was found (codexPath: /nowhere/codex: no such file).",
      cure: `Correct codexPath, or leave it out and run: npm install @openai/codex@${RUNTIME_VERSION}`,
    });
    expect(of("home").status).toBe("ok");
    expect(of("server")).toMatchObject({
      status: "skipped",
      says: "not looked at, since the server cannot be started",
    });
  });

  test("that is no program of this machine is a failure", async () => {
    await using directory = await makeTempDir();
    const file = path.join(directory.path, "codex");
    await writeFile(file, "MZ is for another system", { mode: 0o755 });
    const { code, of } = await stage.report(["--codex-path", file]);
    expect([code, of("runtime").status]).toEqual([1, "failure"]);
    expect(of("runtime").cure).toContain("npm install @openai/codex@");
  });

  test("that is too old is a failure, and one that is older than the pinned a warning", async () => {
    const answer = (version: string): Script => ({
      on: {
        initialize: [{ respond: initialized(`{{params.clientInfo.name}}/${version} (Linux)`) }],
      },
    });
    const old = await scripted(answer("0.150.0"));
    expect(old.code).toBe(1);
    expect(old.of("server")).toMatchObject({
      status: "failure",
      says: "codex 0.150.0 is older than 0.155.1, the oldest that is supported.",
      cure: `Run: npm install @openai/codex@${RUNTIME_VERSION}`,
    });
    expect(old.of("login").status).toBe("skipped");
    const supported = await scripted(answer("0.155.1"));
    expect(supported.of("server")).toMatchObject({ status: "warning" });
    expect(supported.of("configuration").status).toBe("ok");
    const newer = await scripted(answer("99.0.0"));
    expect(newer.of("server")).toMatchObject({
      status: "ok",
      says: `codex 99.0.0, newer than ${RUNTIME_VERSION}, which this library was made for`,
    });
  });

  test("that ends at once is a failure, with what it said last", async () => {
    await using directory = await makeTempDir();
    const codex = await scriptNamed(
      directory.path,
      "echo libmissing.so: cannot open >&2; exit 127",
    );
    const { code, of } = await stage.report(["--codex-path", codex]);
    expect([code, of("server").status]).toEqual([1, "failure"]);
    expect(of("server").says).toContain("libmissing.so: cannot open");
  });

  test("that never answers is given up when time is up, and ended", async () => {
    await using directory = await makeTempDir();
    const codex = await scriptNamed(directory.path, "exec sleep 600");
    const doctor = await stage.start(["--codex-path", codex, "--timeout", "2", "--json"]);
    const { code, stdout } = await doctor.end();
    expect(code).toBe(1);
    expect(stdout).toMatch(/did not answer within \d+ ms|Not answered within 2 s/);
    expect(await doctor.started()).toEqual([]);
  });
});

test("a check that the server does not answer is one failure among findings that it does", async () => {
  const { code, of } = await scripted(
    { on: { "config/read": [], "account/read": [], "mcpServerStatus/list": [] } },
    ["--timeout", "15"],
  );
  expect(code).toBe(1);
  expect(of("server").status).toBe("ok");
  expect(of("configuration").status).toBe("ok");
  for (const name of ["login", "sandbox", "mcp"]) {
    expect(of(name)).toMatchObject({
      status: "failure",
      says: expect.stringMatching(/within/i),
      cure: expect.stringMatching(/./),
    });
  }
});

test("a configuration that cannot be read is named with its line, and its text is not shown", async () => {
  await stage.writeConfig('model = "x"\n[secret-of-mine\n');
  const { code, of } = await stage.report();
  expect(code).toBe(1);
  const { status, says, cure } = of("configuration");
  expect(status).toBe("failure");
  expect(says).toContain("No thread can be started");
  expect(cure).toContain("config.toml");
  expect(says + (cure ?? "")).not.toContain("secret-of-mine");
  expect(of("login").status).toBe("skipped");
});

describe("MCP servers", () => {
  const gone = { command: "no-such-program-here", args: [] };

  test("that do not start are named, with why, while others do", async () => {
    await stage.configure({
      mcp_servers: {
        gone,
        shouting: mcpConfig("mcp-server"),
        off: { ...gone, enabled: false },
        web: { url: "http://me:pass-word@127.0.0.1:1/mcp?token=query-secret" },
      },
    });
    const { code, of, report } = await stage.report();
    expect(code).toBe(1);
    const { status, says, cure } = of("mcp");
    expect(status).toBe("failure");
    expect(says).toMatch(/^MCP servers do not start: gone \(No such file or directory.*\), web \(/);
    expect(says).not.toMatch(/shouting|off/);
    expect(cure).toContain("enabled = false");
    expect(JSON.stringify(report)).not.toMatch(/pass-word|query-secret/);
  });

  test("that never start are named when time is up, and ended", async () => {
    await using directory = await makeTempDir();
    const { config, pid } = await silentServer(directory.path);
    await stage.configure({ mcp_servers: { gone, silent: config } });
    const doctor = await stage.start(["--timeout", "15", "--json"]);
    const silent = await pid();
    const { code, stdout } = await doctor.end();
    expect(code).toBe(1);
    expect(stdout).toContain("Not answered within 15 s: silent. Failed: gone.");
    expect(await doctor.started()).toEqual([]);
    await untilGone(silent);
  });
});

test("a sandbox that the system forbids is a failure", async () => {
  await stage.configure({ sandbox_mode: "read-only" });
  const { code, of } = await stage.report([], { before: await withoutNamespaces() });
  expect(code).toBe(1);
  expect(of("sandbox")).toMatchObject({
    status: "failure",
    says: "The system does not let the server make a sandbox, so every command in one fails.",
    cure: expect.stringContaining("In a container, allow namespaces"),
  });
});

describe("a server that runs already", () => {
  test("is examined where it is, with a token from the environment", async () => {
    await stage.configure();
    const token = "a-capability-token-of-some-length";
    const file = path.join(stage.home, "token");
    await writeFile(file, token, { mode: 0o600 });
    const auth = ["--ws-auth", "capability-token", "--ws-token-file", file];
    await using server = await ListeningServer.start(stage.real, { args: auth });
    const args = ["--url", server.url, "--token-env", "DOCTOR_TOKEN"];
    const { code, of } = await stage.report(args, { env: { DOCTOR_TOKEN: token } });
    expect(code).toBe(0);
    expect(of("runtime").status).toBe("skipped");
    expect(of("home").status).toBe("skipped");
    expect(of("login").status).toBe("ok");
    expect(of("network").says).toContain("are set where it runs");
    const refused = await stage.report(["--url", server.url]);
    expect(refused.code).toBe(1);
    expect(refused.of("server").cure).toContain("set token");
  });

  test("and is not there is a failure", async () => {
    const { code, of } = await stage.report(["--url", `unix://${stage.home}/none.sock`]);
    expect(code).toBe(1);
    expect(of("server")).toMatchObject({ status: "failure" });
    expect(of("server").says).toContain("there is no such socket");
    expect(of("configuration").status).toBe("skipped");
  });
});

test("Ctrl-C ends it with its code, and leaves no process behind", async () => {
  await using directory = await makeTempDir();
  const { config, pid } = await silentServer(directory.path);
  await stage.configure({ mcp_servers: { silent: config } });
  const doctor = await stage.start([]);
  const silent = await pid();
  if (process.platform === "linux") expect((await doctor.started()).length).toBeGreaterThan(0);
  doctor.child.kill("SIGINT");
  const { code, stdout } = await doctor.end();
  expect(code).toBe(130);
  expect(stdout).not.toContain("Nothing would fail");
  expect(await doctor.started()).toEqual([]);
  await untilGone(silent);
});

test("nothing secret of the environment is in the output", async () => {
  await stage.configure();
  const secrets = ["proxy-user", "proxy-pass-word", "sk-0123456789abcdef", "query-secret"];
  const env = {
    HTTPS_PROXY: "http://proxy-user:proxy-pass-word@127.0.0.1:9?x=query-secret",
    HTTP_PROXY: "http://proxy-user:proxy-pass-word@127.0.0.1:9",
    ALL_PROXY: "proxy-user:proxy-pass-word@127.0.0.1:9",
    NO_PROXY: "",
    no_proxy: "",
    OPENAI_API_KEY: "sk-0123456789abcdef",
  };
  await using directory = await makeTempDir();
  const codex = await scriptNamed(
    directory.path,
    'echo "$HTTPS_PROXY $OPENAI_API_KEY" >&2; exit 1',
  );
  for (const args of [[], ["--json"], ["--codex-path", codex], ["--codex-path", codex, "--json"]]) {
    const { code, stdout, stderr } = await stage.run(args, { env });
    expect(code).toBe(1);
    for (const secret of secrets) expect(stdout + stderr).not.toContain(secret);
  }
});
