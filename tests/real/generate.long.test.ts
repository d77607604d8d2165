import { execFile } from "node:child_process";
import { appendFile, cp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { RUNTIME_VERSION } from "../../generated/runtime.js";
import { generate } from "../../scripts/generate/generate.js";
import { nativeCodexPath } from "../support/raw-client.js";
import { methodIndex, protocolSchema, validateType } from "../support/schemas.js";
import { makeTempDir, type TempDir } from "../support/temp-dir.js";
import { UpstreamExamples, type ExampleSchema } from "../unit/generated/upstream-examples.js";

const run = promisify(execFile);
const root = path.resolve(import.meta.dirname, "../..");
const generated = path.join(root, "generated");
const slow = 240_000;

describe("npm run generate", () => {
  test(
    "gives the same bytes each time; run as a check, it changes nothing, and names each file that differs",
    async () => {
      await using folder = await makeTempDir();
      const copy = path.join(folder.path, "generated");
      await cp(generated, copy, { recursive: true });
      await rm(path.join(copy, "runtime.ts"));
      await appendFile(path.join(copy, "methods.ts"), "// by hand\n");
      await writeFile(path.join(copy, "schemas", "more.json"), "{}\n");
      const before = await readdir(copy, { recursive: true });

      const args = ["scripts/generate/index.ts", "--check", "--out", copy];
      const tsx = path.join(root, "node_modules/tsx/dist/cli.mjs");
      const failure = run(process.execPath, [tsx, ...args], { cwd: root });

      await expect(failure).rejects.toMatchObject({ code: 1 });
      const { stderr } = (await failure.catch((error: unknown) => error)) as { stderr: string };
      expect(stderr.split("\n").filter((line) => line.startsWith("  "))).toEqual([
        "  changed: methods.ts",
        "  extra: schemas/more.json",
        "  missing: runtime.ts",
      ]);
      expect(await readdir(copy, { recursive: true })).toEqual(before);
    },
    slow,
  );
});

test("a project that pins another version than the installed binary gets no files", async () => {
  await using project = await makeTempDir();
  const manifest = { devDependencies: { "@openai/codex": "0.0.1" } };
  await writeFile(path.join(project.path, "package.json"), JSON.stringify(manifest));
  await symlink(path.join(root, "node_modules"), path.join(project.path, "node_modules"));
  await expect(generate(project.path, { kept: [] })).rejects.toThrow(
    `The installed codex binary is ${RUNTIME_VERSION}, but package.json pins 0.0.1`,
  );
});

describe("what is generated, held against the binary's own JSON Schema", () => {
  let folder: TempDir;
  beforeAll(async () => {
    folder = await makeTempDir();
    const env = { PATH: process.env.PATH, HOME: folder.path, CODEX_HOME: folder.path };
    const args = ["app-server", "generate-json-schema", "--experimental", "--out", folder.path];
    await run(nativeCodexPath(), args, { env });
  }, slow);
  afterAll(() => folder.remove());

  const readSchema = async (name: string): Promise<ExampleSchema> =>
    JSON.parse(await readFile(path.join(folder.path, `${name}.json`), "utf8")) as ExampleSchema;
  const methodsOf = async (name: string): Promise<string[]> => {
    const { oneOf = [] } = await readSchema(name);
    return oneOf.map((member) => String(member.properties?.["method"]?.enum?.[0]));
  };

  test.each([
    // The deprecated methods of the first protocol version are only in the TypeScript export.
    [
      "ClientRequest",
      "clientRequests",
      ["getAuthStatus", "getConversationSummary", "gitDiffToRemote"],
    ],
    ["ClientNotification", "clientNotifications", []],
    ["ServerRequest", "serverRequests", []],
    // As are the raw events that a client must ask for.
    [
      "ServerNotification",
      "serverNotifications",
      ["rawResponse/completed", "rawResponseItem/completed"],
    ],
  ] as const)("%s has our methods, the known ones excepted", async (name, kind, missing) => {
    const theirs = await methodsOf(name);
    const ours = Object.entries(methodIndex[kind]).filter(([, { lastRelease }]) => !lastRelease);
    expect(ours.map(([method]) => method).sort()).toEqual([...theirs, ...missing].sort());
  });

  test("each of its result types answers one of our requests, and the other way round", async () => {
    const names = await readdir(folder.path, { recursive: true });
    const theirs = names
      .map((name) => path.basename(name, ".json"))
      .filter((name) => name.endsWith("Response") && name !== "JSONRPCResponse");
    const requests = { ...methodIndex.clientRequests, ...methodIndex.serverRequests };
    const ours = new Set(
      Object.values(requests).flatMap(({ result, lastRelease }) =>
        lastRelease === undefined ? (result ?? []) : [],
      ),
    );
    const onlyOurs = [
      "GetAuthStatusResponse",
      "GetConversationSummaryResponse",
      "GitDiffToRemoteResponse",
    ];
    expect([...ours].sort()).toEqual([...new Set(theirs), ...onlyOurs].sort());
  });

  test(
    "an example of each of its types is valid by ours",
    async () => {
      const bundle = (await readSchema("codex_app_server_protocol.schemas")) as {
        definitions: Record<string, ExampleSchema> & { v2: Record<string, ExampleSchema> };
      };
      const { v2, ...others } = bundle.definitions;
      const examples = new UpstreamExamples(bundle);
      const refused: string[] = [];
      let judged = 0;
      for (const [name, schema] of Object.entries({ ...others, ...v2 })) {
        if (!(name in protocolSchema.definitions)) continue;
        const values = examples.of(schema);
        judged += values.length;
        if (values.some((value) => validateType(name, value).length > 0)) refused.push(name);
      }
      // Its schemas of these three spell field names in snake case, which the server does not.
      expect(refused.sort()).toEqual([
        "AccountSessionsSwitchResponse",
        "ThreadRealtimeItem",
        "ThreadTimelineEntry",
      ]);
      expect(judged).toBeGreaterThan(2_500);
    },
    slow,
  );
});
