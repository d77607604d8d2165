import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as TJS from "typescript-json-schema";
import type { Notes } from "./notes.js";

type Json = boolean | number | string | null | readonly Json[] | { readonly [key: string]: Json };

/** One JSON Schema with a definition for every type, in the order of `names`. */
export type ProtocolSchema = Readonly<Record<string, Json>>;

const refPrefix = "#/definitions/";

/**
 * Turns the module of types into one draft-07 schema. Unknown fields are allowed everywhere, since
 * the server adds some. A type that cannot be turned into one accepts everything, with a note. Throws when
 * the types do not compile. `folder` is a private folder to work in.
 */
export async function makeSchemas(
  typesModule: string,
  names: readonly string[],
  { folder, notes }: { folder: string; notes: Notes },
): Promise<ProtocolSchema> {
  const file = join(folder, "types.ts");
  await writeFile(file, typesModule);
  const program = TJS.getProgramFromFiles([file], {
    strict: true,
    // Without it `field?: Union` is another type than `Union`, and each gets its own definition.
    exactOptionalPropertyTypes: true,
    target: "ES2023",
    // What the types stand on is small; a browser's library would be read and checked, too.
    lib: ["ES2023"],
    skipLibCheck: true,
    types: [],
  });
  const generator = TJS.buildGenerator(program, {
    aliasRef: true,
    required: true,
    strictNullChecks: true,
  });
  if (!generator) throw new Error("The generated types do not compile");
  // Any JSON at all. Spelled out, it would be a recursive schema that accepts everything anyway.
  generator.setSchemaOverride("JsonValue", {});
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    definitions: nameDefinitions(definitionsOf(names, generator, notes), names, notes),
  };
}

/** The definitions of all types, without those that the generator of schemas fails on. */
function definitionsOf(
  names: readonly string[],
  generator: TJS.JsonSchemaGenerator,
  notes: Notes,
): Readonly<Record<string, Json>> {
  const read = (some: readonly string[]): Readonly<Record<string, Json>> => {
    const schema = JSON.stringify(generator.getSchemaForSymbols([...some]));
    return (JSON.parse(schema) as { definitions?: Record<string, Json> }).definitions ?? {};
  };
  try {
    return read(names);
  } catch {
    // One of them; which one, it does not say.
  }
  const failing = names.filter((name) => {
    try {
      read([name]);
      return false;
    } catch (error) {
      const why = `no JSON Schema can be made of it: ${error instanceof Error ? error.message : "?"}`;
      notes.add(name, "its schema accepts everything", why);
      return true;
    }
  });
  for (const name of failing) generator.setSchemaOverride(name, {});
  return read(names.filter((name) => !failing.includes(name)));
}

/**
 * Keeps the definitions of our own names only: a few literals get a definition with an invented
 * name, which is written out where it is used. One of ours that is missing, and a reference that leads nowhere,
 * accept everything, with a note.
 */
export function nameDefinitions(
  definitions: Readonly<Record<string, Json>>,
  names: readonly string[],
  notes: Notes,
): Record<string, Json> {
  const ours = new Set(names);
  const inline = (owner: string, value: Json, inside: readonly string[]): Json => {
    if (Array.isArray(value))
      return (value as readonly Json[]).map((item) => inline(owner, item, inside));
    if (value === null || typeof value !== "object") return value;
    const ref = (value as Record<string, Json>)["$ref"];
    if (typeof ref !== "string") {
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, inline(owner, item, inside)]),
      );
    }
    const name = decodeURIComponent(ref.slice(refPrefix.length));
    if (ours.has(name)) return value;
    const target = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
    const problem =
      target === undefined
        ? `it refers to ${name}, which has no definition`
        : `the unnamed type ${name} in it contains itself`;
    if (target !== undefined && !inside.includes(name))
      return inline(owner, target, [...inside, name]);
    notes.add(owner, "its schema accepts everything at one place", problem);
    return {};
  };
  return Object.fromEntries(
    names.map((name) => {
      const definition = Object.hasOwn(definitions, name) ? definitions[name] : undefined;
      if (definition !== undefined) return [name, inline(name, definition, [])];
      notes.add(name, "its schema accepts everything", "no JSON Schema can be made of it");
      return [name, {}];
    }),
  );
}
