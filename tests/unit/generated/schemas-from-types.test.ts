import { writeFile } from "node:fs/promises";
import path from "node:path";
import { describe, expect, jest, test } from "@jest/globals";
import { readSchemas } from "../../../scripts/generate/generate.js";
import { Notes } from "../../../scripts/generate/notes.js";
import { relaxForSchemas, relaxTypes } from "../../../scripts/generate/relax.js";
import { renderTypes } from "../../../scripts/generate/render-types.js";
import { makeSchemas, nameDefinitions } from "../../../scripts/generate/schemas.js";
import { readDefinitions } from "../../../scripts/generate/upstream-schema.js";
import { makeTempDir } from "../../support/temp-dir.js";
import { linesOf, methodsOf, protocol, shapeOf, tableOf } from "./type-tables.js";

describe("missing and null fields", () => {
  const upstream = readDefinitions({
    definitions: {
      v2: {
        ThreadStartParams: {
          properties: { cwd: { type: "string" }, model: { type: ["string", "null"] } },
          required: ["cwd"],
        },
        Thread: {
          properties: {
            id: { type: "string" },
            name: { anyOf: [{ type: "string" }, { type: "null" }] },
            title: { type: ["string", "null"] },
          },
          required: ["id"],
        },
        Input: {
          oneOf: [
            {
              properties: { type: { enum: ["text"] }, marks: { type: "array" } },
              required: ["type"],
            },
            { properties: { type: { enum: ["image"] }, marks: {} }, required: ["type", "marks"] },
          ],
        },
      },
    },
  });
  const sources = {
    ...protocol,
    ThreadStartParams: "{ cwd: string, model: string, input: Input, }",
    Thread: "{ id: string, name: string | null, title?: string, }",
    Input: '{ "type": "text", marks: Array<string> } | { "type": "image", marks: Array<string> }',
  };
  const types = tableOf(sources);

  test("are allowed in what a client sends wherever the server's own schema allows them", () => {
    const relaxed = relaxTypes(types, methodsOf(types), upstream);
    expect(shapeOf(relaxed, "ThreadStartParams")).toBe(
      "export interface ThreadStartParams { cwd: string; model?: string | null; input: Input; }",
    );
    expect(shapeOf(relaxed, "Input")).toBe(
      'export type Input = { type: "text"; marks?: string[]; } | { type: "image"; marks: string[]; };',
    );
    expect(shapeOf(relaxed, "UsageParams")).toBe(
      "export interface UsageParams { threadId?: string | null; }",
    );
  });

  test("are left as exported in what a server sends, but for null in optional fields", () => {
    const relaxed = relaxTypes(types, methodsOf(types), upstream);
    expect(shapeOf(relaxed, "Thread")).toBe(
      "export interface Thread { id: string; name: string | null; title?: string | null; }",
    );
  });

  test("are allowed in schemas on both ways", () => {
    const relaxed = relaxForSchemas(types, upstream);
    expect(shapeOf(relaxed, "Thread")).toBe(
      "export interface Thread { id: string; name?: string | null; title?: string | null; }",
    );
  });
});

describe("the binary's own schemas", () => {
  const name = "codex_app_server_protocol.schemas.json";

  test("are not known of a binary that writes none", async () => {
    await using folder = await makeTempDir();
    expect(await readSchemas(folder.path)).toBeUndefined();
  });

  test("are read with a byte order mark, too, and named when they are broken", async () => {
    await using folder = await makeTempDir();
    await writeFile(path.join(folder.path, name), '\uFEFF{\r\n"definitions": {}\r\n}');
    expect(await readSchemas(folder.path)).toEqual({ definitions: {} });
    await writeFile(path.join(folder.path, name), '{"definitions"');
    await expect(readSchemas(folder.path)).rejects.toThrow(`${name} cannot be read: `);
  });
});

describe("making the schemas", () => {
  test("lets a missing definition and a reference that leads nowhere accept everything, with notes", () => {
    const notes = new Notes();
    expect(nameDefinitions({}, ["toString"], notes)).toEqual({ toString: {} });
    const lost = { A: { items: { $ref: "#/definitions/B" } } };
    expect(nameDefinitions(lost, ["A"], notes)).toEqual({ A: { items: {} } });
    expect(linesOf(notes)).toEqual([
      "A: its schema accepts everything at one place, since it refers to B, which has no definition",
      "toString: its schema accepts everything, since no JSON Schema can be made of it",
    ]);
  });

  test("writes unnamed definitions out where they are used", () => {
    const definitions = {
      A: { items: { $ref: "#/definitions/__type" } },
      __type: { type: "object", properties: { a: { $ref: "#/definitions/A" } } },
    };
    const notes = new Notes();
    expect(nameDefinitions(definitions, ["A"], notes)).toEqual({
      A: { items: { type: "object", properties: { a: { $ref: "#/definitions/A" } } } },
    });
    const endless = { A: { $ref: "#/definitions/B" }, B: { items: { $ref: "#/definitions/B" } } };
    expect(linesOf(notes)).toEqual([]);
    expect(nameDefinitions(endless, ["A"], notes)).toEqual({ A: { items: {} } });
    expect(linesOf(notes)).toEqual([
      "A: its schema accepts everything at one place, since the unnamed type B in it contains itself",
    ]);
  });

  test("gives each type one definition, whether a field of it is optional or not", async () => {
    await using folder = await makeTempDir();
    const types = tableOf({
      JsonValue:
        "number | string | boolean | Array<JsonValue> | { [key in string]?: JsonValue } | null",
      Role: '"user" | "assistant"',
      Message: "{ role?: Role, other: Role | null, extra: JsonValue, list: Array<Role>, }",
      Empty: "Record<string, never>",
    });
    const schema = await makeSchemas(renderTypes(types), [...types.keys()], {
      folder: folder.path,
      notes: new Notes(),
    });
    expect(schema).toEqual({
      $schema: "http://json-schema.org/draft-07/schema#",
      definitions: {
        Empty: { type: "object" },
        JsonValue: {},
        Message: {
          type: "object",
          properties: {
            role: { $ref: "#/definitions/Role" },
            other: { anyOf: [{ type: "string", enum: ["assistant", "user"] }, { type: "null" }] },
            extra: { $ref: "#/definitions/JsonValue" },
            list: { type: "array", items: { $ref: "#/definitions/Role" } },
          },
          required: ["extra", "list", "other"],
        },
        Role: { type: "string", enum: ["assistant", "user"] },
      },
    });
  });

  test("fails when the types do not compile", async () => {
    await using folder = await makeTempDir();
    const printed = jest.spyOn(console, "error").mockReturnValue();
    const context = { folder: folder.path, notes: new Notes() };
    await expect(makeSchemas("export type A = B;", ["A"], context)).rejects.toThrow(
      "The generated types do not compile",
    );
    expect(printed).toHaveBeenCalledWith(expect.stringContaining("Cannot find name 'B'"));
    printed.mockRestore();
  });
});
