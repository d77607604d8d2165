import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import { mkdir, readFile, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  createCodexSandbox,
  type HarnessSandboxSession,
  type SandboxFilesAndCommands,
} from "../../../lib/ai/index.js";
import { reply } from "../../../lib/testing/index.js";
import { addTool } from "../../support/ai-model.js";
import { rejection } from "../../support/real.js";
import { HarnessStage } from "./harness-stage.js";

let stage: HarnessStage;
let directory: string;
let session: HarnessSandboxSession;

beforeAll(async () => {
  stage = await HarnessStage.open();
  directory = path.join(stage.real.project, "work");
  await mkdir(directory);
  const commands = "danger-full-access";
  const sandbox = createCodexSandbox({ codex: stage.codex, directory, commands });
  session = await sandbox.createSession({ sessionId: "one" });
});
afterAll(() => stage.close());

const streamOf = (text: string) => new Blob([text]).stream();
const text = async (bytes: Promise<ReadableStream<Uint8Array> | null>) =>
  new Response(await bytes).text();

describe("files", () => {
  test("are written and read, in all their ways, and what is not there is null", async () => {
    await session.writeTextFile({ path: "a/one.txt", content: "1\n2\n3" });
    expect(await session.readTextFile({ path: "a/one.txt" })).toBe("1\n2\n3");
    const lines = { startLine: 2, endLine: 3 };
    expect(await session.readTextFile({ path: "a/one.txt", ...lines })).toBe("2\n3");
    await session.writeBinaryFile({ path: "two", content: new Uint8Array([1, 2]) });
    expect(await session.readBinaryFile({ path: "two" })).toEqual(Buffer.from([1, 2]));
    const whole = path.join(directory, "three.txt");
    await session.writeFile({ path: whole, content: streamOf("three") });
    expect(await text(session.readFile({ path: whole }))).toBe("three");
    expect(await readFile(whole, "utf8")).toBe("three");
    expect(await session.readTextFile({ path: "none" })).toBeNull();
    expect(await session.readFile({ path: "none" })).toBeNull();
  });

  test("outside the directory are refused, and so are links on the way", async () => {
    const outside = path.join(stage.real.project, "secret");
    await writeFile(outside, "secret");
    await symlink(stage.real.project, path.join(directory, "out"));
    await symlink(path.join(stage.real.project, "not-there"), path.join(directory, "dangling"));
    for (const given of ["../secret", outside, "out/secret", "dangling", "/etc/passwd"]) {
      const reading = await rejection(Promise.resolve(session.readTextFile({ path: given })));
      expect([given, reading]).toMatchObject([given, { code: "INVALID_ARGUMENT" }]);
      const writing = session.writeTextFile({ path: given, content: "x" });
      expect(await rejection(writing)).toMatchObject({ argument: "path" });
    }
    expect(existsSync(path.join(stage.real.project, "not-there"))).toBe(false);
    expect(await readFile(outside, "utf8")).toBe("secret");
  });
});

describe("commands", () => {
  test("run in the directory, with their environment, and say how they ended", async () => {
    const command = 'pwd; echo "$WORD" >&2; exit 3';
    const result = await session.run({ command, env: { WORD: "hello" } });
    expect(result).toEqual({ exitCode: 3, stdout: `${directory}\n`, stderr: "hello\n" });
    const outside = session.run({ command: "true", workingDirectory: "/" });
    expect(await rejection(outside)).toMatchObject({ argument: "path" });
  });

  test("stream their output, and are ended", async () => {
    const process = await session.spawn({ command: "echo begun; sleep 60" });
    const reader = process.stdout.getReader();
    expect(Buffer.from((await reader.read()).value ?? []).toString()).toBe("begun\n");
    await process.kill();
    expect((await process.wait()).exitCode).not.toBe(0);
    const second = await session.spawn({ command: "echo begun; sleep 60" });
    await session.stop();
    expect((await second.wait()).exitCode).not.toBe(0);
  });

  test("have no more than the sandbox of Codex allows", async () => {
    const asked: object[] = [];
    const { codex } = stage;
    const exec: typeof codex.exec = (command, options) => {
      if (command[0] === "/bin/sh") asked.push(options?.sandbox as object);
      return codex.exec(command, { ...options, sandbox: "danger-full-access" });
    };
    const limited = createCodexSandbox({ codex: { exec, files: codex.files }, directory });
    const one = await limited.createSession();
    await one.run({ command: "true" });
    await one.setNetworkPolicy({ mode: "allow-all" });
    await one.run({ command: "true" });
    await one.setNetworkPolicy({ mode: "deny-all" });
    await one.run({ command: "true" });
    const policy = { type: "workspaceWrite", writableRoots: [directory] };
    expect(asked).toEqual(
      [false, true, false].map((networkAccess) =>
        expect.objectContaining({ ...policy, networkAccess }),
      ),
    );
  });
});

test("what it cannot keep apart, it refuses", async () => {
  expect(await rejection(session.getPortEndpoint({ port: 80 }))).toMatchObject({
    argument: "port",
  });
  const policy = () => session.setNetworkPolicy({ mode: "custom" });
  expect(policy).toThrow("mode cannot be custom");
  expect(() => session.setNetworkPolicy({ mode: "deny-all" })).toThrow("in no sandbox");
});

test("tools of the host get files and commands, and nothing to stop or to open it with", async () => {
  let given: SandboxFilesAndCommands | undefined;
  const add = addTool();
  const execute = async (_: unknown, options: { experimental_sandbox?: unknown }) => {
    given = options.experimental_sandbox as SandboxFilesAndCommands;
    await given.writeTextFile({ path: "from-tool.txt", content: "tool" });
    return "written";
  };
  stage.model.enqueue(reply.functionCall("add", { a: 1, b: 2 }), reply.text("Done."));
  const agent = stage.agent({ tools: { add: { ...add, execute } } as never });
  const session = await agent.createSession();
  expect((await agent.generate({ session, prompt: "Go" })).text).toBe("Done.");
  expect(existsSync(path.join(stage.real.project, "from-tool.txt"))).toBe(true);
  expect(Object.keys(given ?? {})).not.toEqual(expect.arrayContaining(["stop"]));
  await session.destroy();
});

test("a sandbox that Codex would not be in is refused by the harness, as the AI SDK names it", async () => {
  const { HarnessCapabilityUnsupportedError } = await import("@ai-sdk/harness");
  const run = () => Promise.resolve({ exitCode: 0, stdout: "/elsewhere\n", stderr: "" });
  const sandboxSession = { description: "elsewhere", run } as never;
  const error = await rejection(stage.agent().createSession({ sandboxSession }));
  expect(error.message).toContain("createCodexSandbox()");
  expect(HarnessCapabilityUnsupportedError.isInstance(error)).toBe(true);
});

test("the directory is made if it is not there", async () => {
  const later = path.join(stage.real.project, "made", "later");
  const agent = stage.agent({ sandbox: { directory: later } });
  const session = await agent.createSession();
  expect(existsSync(path.join(later, `codex-${session.sessionId}`))).toBe(true);
  await session.destroy();
});

test("a session may have a directory that is there already", async () => {
  await mkdir(path.join(stage.real.project, "repo"));
  stage.model.enqueue(reply.shell("pwd"), reply.text("Here."));
  const agent = stage.agent({ sandboxConfig: { workDir: "repo" } });
  const session = await agent.createSession();
  const { steps } = await agent.generate({ session, prompt: "Where?" });
  // The AI SDK shows paths relative to it.
  expect(steps[0]?.toolResults).toMatchObject([{ output: { output: ".\n" } }]);
  await session.destroy();
});
