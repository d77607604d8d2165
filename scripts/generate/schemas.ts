import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import * as TJS from "typescript-json-schema";

type Json = boolean | number | string | null | readonly Json[] | { readonly [key: string]: Json };

/** One JSON Schema with a definition for every type, in the order of `names`. */
export type ProtocolSchema = Readonly<Record<string, Json>>;

const refPrefix = "#/definitions/";

/**
 * Turns the module of types into one draft-07 schema. Unknown fields are allowed everywhere, since
 * the server adds some. `folder` is a private folder to work in.
 */
export async function makeSchemas(
  typesModule: string,
  names: readonly string[],
  folder: string,
): Promise<ProtocolSchema> {
  const file = join(folder, "types.ts");
  await writeFile(file, typesModule);
  const program = TJS.getProgramFromFiles([file], {
    strict: true,
    // Without it `field?: Union` is another type than `Union`, and each gets its own definition.
    exactOptionalPropertyTypes: true,
    target: "ES2023",
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
  const { definitions } = JSON.parse(JSON.stringify(generator.getSchemaForSymbols([...names]))) as {
    definitions: Record<string, Json>;
  };
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    definitions: nameDefinitions(definitions, names),
  };
}

/**
 * Keeps the definitions of our own names only: a few literals get a definition with an invented
 * name, which is written out where it is used. Throws when one of ours is missing or a reference
 * leads nowhere.
 */
export function nameDefinitions(
  definitions: Readonly<Record<string, Json>>,
  names: readonly string[],
): Record<string, Json> {
  const ours = new Set(names);
  const inline = (value: Json, inside: readonly string[]): Json => {
    if (Array.isArray(value)) return (value as readonly Json[]).map((item) => inline(item, inside));
    if (value === null || typeof value !== "object") return value;
    const ref = (value as Record<string, Json>)["$ref"];
    if (typeof ref !== "string") {
      return Object.fromEntries(
        Object.entries(value).map(([key, item]) => [key, inline(item, inside)]),
      );
    }
    const name = decodeURIComponent(ref.slice(refPrefix.length));
    if (ours.has(name)) return value;
    const target = definitions[name];
    if (target === undefined)
      throw new Error(`A schema refers to ${name}, which has no definition`);
    if (inside.includes(name)) throw new Error(`The unnamed type ${name} contains itself`);
    return inline(target, [...inside, name]);
  };
  return Object.fromEntries(
    names.map((name) => {
      const definition = definitions[name];
      if (definition === undefined) throw new Error(`The type ${name} has no schema`);
      return [name, inline(definition, [])];
    }),
  );
}
