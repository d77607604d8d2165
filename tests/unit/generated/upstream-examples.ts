/** As much of a JSON Schema of the binary as the examples need. */
export interface ExampleSchema {
  readonly $ref?: string;
  readonly allOf?: readonly ExampleSchema[];
  readonly anyOf?: readonly ExampleSchema[];
  readonly oneOf?: readonly ExampleSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, ExampleSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | ExampleSchema;
  readonly items?: ExampleSchema | readonly ExampleSchema[];
}

/**
 * Values that a JSON Schema describes: each alternative, each enum value and each null of a type's
 * own fields at least once, and one example of every type it refers to.
 */
export class UpstreamExamples {
  readonly #root: ExampleSchema;
  readonly #referred = new Map<string, unknown[]>();

  constructor(root: object) {
    this.#root = root;
  }

  of(schema: ExampleSchema | boolean | undefined): unknown[] {
    if (schema === undefined || typeof schema === "boolean") return [{ any: 1 }];
    if (schema.$ref !== undefined) return this.#ofReference(schema.$ref);
    if (schema.allOf) return schema.allOf.map((part) => this.of(part)).reduce(mergeEach);
    if (schema.enum) return [...schema.enum];
    if ("const" in schema) return [schema.const];
    const types = [schema.type ?? []].flat();
    const alternatives = (schema.oneOf ?? schema.anyOf)?.flatMap((part) => this.of(part));
    if (schema.properties ?? types.includes("object")) {
      const objects = this.#ofObject(schema);
      const merged = alternatives ? mergeEach(objects, alternatives) : objects;
      return types.includes("null") ? [...merged, null] : merged;
    }
    if (alternatives) return alternatives;
    return types.length === 0
      ? [{ any: 1 }]
      : types.flatMap((type) => this.#ofKeyword(type, schema));
  }

  /** One example, or none while the type is being worked out: then it contains itself. */
  #ofReference(reference: string): unknown[] {
    const known = this.#referred.get(reference);
    if (known) return known;
    this.#referred.set(reference, []);
    const path = reference.slice("#/".length).split("/");
    const target = path.reduce<unknown>(
      (value, key) => (value as Record<string, unknown>)[key],
      this.#root,
    );
    const examples = this.of(target as ExampleSchema).slice(0, 1);
    this.#referred.set(reference, examples);
    return examples;
  }

  #ofObject(schema: ExampleSchema): unknown[] {
    const base: Record<string, unknown> = {};
    const variants: [string, unknown][] = [];
    for (const [name, property] of Object.entries(schema.properties ?? {})) {
      const [first, ...others] = this.of(property);
      if (first === undefined && schema.required?.includes(name)) return [];
      if (first !== undefined) base[name] = first;
      for (const other of others) variants.push([name, other]);
    }
    if (typeof schema.additionalProperties === "object") {
      const [extra] = this.of(schema.additionalProperties);
      if (extra !== undefined) base["extra"] = extra;
    }
    return [base, ...variants.map(([name, value]) => ({ ...base, [name]: value }))];
  }

  #ofKeyword(type: string, schema: ExampleSchema): unknown[] {
    switch (type) {
      case "null":
        return [null];
      case "string":
        return ["text"];
      case "boolean":
        return [true];
      case "integer":
      case "number":
        return [1];
      case "array": {
        const { items } = schema;
        const tuple = Array.isArray(items) ? (items as readonly ExampleSchema[]) : undefined;
        if (tuple) return [tuple.map((item) => this.of(item)[0])];
        return [this.of(items as ExampleSchema | undefined).slice(0, 1)];
      }
      default:
        throw new Error(`no example for the type ${type}`);
    }
  }
}

function mergeEach(left: unknown[], right: unknown[]): unknown[] {
  return left.flatMap((one) =>
    right.map((other) => ({ ...(one as object), ...(other as object) })),
  );
}
