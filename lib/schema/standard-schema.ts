/**
 * A schema of any library that follows Standard Schema v1 (https://standardschema.dev): one property
 * that says who made it and how to check a value. Declared here, so that no such library is needed.
 */
export interface StandardSchema<Input = unknown, Output = Input> {
  readonly "~standard": StandardProperties<Input, Output>;
}

/**
 * A Standard Schema that can also write itself as JSON Schema: those of Zod (4.2 and later) and
 * ArkType (2.1.28 and later) do, those of Valibot with `toStandardJsonSchema` of
 * `@valibot/to-json-schema`.
 */
export interface StandardJsonSchema<Input = unknown, Output = Input> {
  readonly "~standard": StandardProperties<Input, Output> & {
    readonly jsonSchema: StandardJsonWriter;
  };
}

/** The types of a schema's input and output; for types only. */
export interface StandardTypes<Input = unknown, Output = Input> {
  readonly input: Input;
  readonly output: Output;
}

export interface StandardProperties<Input = unknown, Output = Input> {
  readonly version: 1;
  /** The library's name, such as `"zod"`. */
  readonly vendor: string;
  readonly validate: (value: unknown) => StandardOutcome<Output> | Promise<StandardOutcome<Output>>;
  /** Never there at run time. */
  readonly types?: StandardTypes<Input, Output> | undefined;
}

/** The value as the schema gives it back, or why it does not fit. */
export type StandardOutcome<Output> =
  | { readonly value: Output; readonly issues?: undefined }
  | { readonly issues: readonly StandardIssue[] };

export interface StandardIssue {
  readonly message: string;
  /** Keys on the way to the value, or objects that hold such a key. */
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** Writes JSON Schema of a schema's input or of its output. Throws where it cannot. */
export interface StandardJsonWriter {
  readonly input: (options: StandardJsonOptions) => Record<string, unknown>;
  readonly output: (options: StandardJsonOptions) => Record<string, unknown>;
}

export interface StandardJsonOptions {
  /** Such as `"draft-2020-12"`. */
  readonly target: string;
  /** Options that only some libraries know. */
  readonly libraryOptions?: Record<string, unknown> | undefined;
}

/** The type that a schema makes of the values it accepts. */
export type InferOutput<Schema extends StandardSchema> = NonNullable<
  Schema["~standard"]["types"]
>["output"];
