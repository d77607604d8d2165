import { expect, test } from "@jest/globals";
import { Ajv2020 } from "ajv/dist/2020.js";
import { readFile } from "node:fs/promises";
import { RUNTIME_VERSION, SDK_VERSION } from "../../lib/index.js";
import { DoctorStage } from "../support/doctor.js";
import { mcpConfig } from "../support/mcp-config.js";

const isPinned = (process.env["CODEX_PATH"] ?? "") === "";

test("where all is well, each check says so, and the document fits its schema", async () => {
  await using stage = await DoctorStage.open();
  await stage.configure({ mcp_servers: { shouting: mcpConfig("mcp-server") } });
  const { code, report, of } = await stage.report();
  expect(code).toBe(0);
  expect(report).toMatchObject({ sdkVersion: SDK_VERSION, healthy: true });
  const statuses = report.findings.map(({ name, status }) => `${name}: ${status}`);
  const version = isPinned ? "ok" : expect.stringMatching(/ok|warning/);
  expect(statuses.map((status) => status.split(": "))).toEqual([
    ["node", "ok"],
    ["packages", "ok"],
    ["runtime", "ok"],
    ["home", "ok"],
    ["server", version],
    // On a system without bubblewrap the server says so, as of its configuration.
    ["configuration", expect.stringMatching(/ok|warning/)],
    ["login", "ok"],
    ["sandbox", "warning"],
    ["mcp", "ok"],
    ["network", "ok"],
  ]);
  expect(of("login").says).toBe('the model provider "mock" needs none');
  expect(of("mcp").says).toBe("started: shouting");
  expect(of("home").says).toContain(`${stage.home}: can be written`);
  expect(of("sandbox").says).toContain("There is none (danger-full-access)");
  if (isPinned) expect(of("server").says).toContain(`codex ${RUNTIME_VERSION}`);

  const docs = await readFile("docs/doctor.md", "utf8");
  const schema = /```json\n([^]*?)```/.exec(docs)?.[1] ?? "";
  const validate = new Ajv2020({ strictTypes: false }).compile(JSON.parse(schema) as object);
  expect(validate(report)).toBe(true);
  expect(validate({ ...report, findings: [{ ...of("node"), status: "failure" }] })).toBe(false);
});
