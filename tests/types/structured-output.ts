/** Compile-time checks of structured output; nothing here runs. */
import { toStandardJsonSchema } from "@valibot/to-json-schema";
import { type } from "arktype";
import * as v from "valibot";
import * as z from "zod";
import type {
  InferOutput,
  JsonSchema,
  OutputMismatchError,
  OutputSchema,
  Thread,
  Turn,
  TurnOptions,
  TurnResult,
} from "../../lib/index.js";
import type { JsonValue } from "../../generated/types.js";

type Same<One, Other> = [One, Other] extends [Other, One] ? true : false;
type Hold<Checks extends true[]> = Checks;

const zod = z.object({ name: z.string(), size: z.string().transform(Number).optional() });
const ark = type({ name: "string", "size?": "number" });
const valibot = v.object({ name: v.string(), size: v.optional(v.number()) });
const plain = { type: "object", properties: { name: { type: "string" } } } as const;

interface Answer {
  name: string;
}

/** Without parameters, a result and a turn are those of any schema. */
export type Defaults = Hold<
  [
    Same<TurnResult["output"], unknown>,
    Same<Awaited<ReturnType<Turn["run"]>>, TurnResult>,
    Same<OutputMismatchError["result"], TurnResult>,
    TurnResult<Answer> extends TurnResult ? true : false,
    Turn<Answer> extends Turn ? true : false,
    Same<InferOutput<typeof zod>, { name: string; size?: number | undefined }>,
  ]
>;

export async function typedBySchema(thread: Thread): Promise<void> {
  const one = await thread.run("Who?", { outputSchema: zod });
  if (one.status === "completed") {
    one.output.name satisfies string;
    one.output.size satisfies number | undefined;
    // @ts-expect-error -- it is the transformed type
    one.output.size satisfies string | undefined;
  } else {
    one.output satisfies undefined;
    one.status satisfies "interrupted" | "failed" | "inProgress";
  }
  // @ts-expect-error -- an interrupted turn has no output
  one.output satisfies { name: string };

  const two = await thread.turn("Who?", { outputSchema: ark }).run();
  if (two.status === "completed") two.output satisfies { name: string; size?: number };

  const outputSchema = toStandardJsonSchema(valibot);
  const three = await thread.run("Who?", { outputSchema, throwOnFailure: false });
  if (three.status === "completed") three.output.name satisfies string;

  thread.turn("Who?", { outputSchema: zod, model: "gpt-x" }) satisfies Turn<z.output<typeof zod>>;
}

export async function plainJsonSchema(thread: Thread): Promise<void> {
  const { output } = await thread.run("Who?", { outputSchema: plain });
  // @ts-expect-error -- nobody has said what it is
  output satisfies Answer | undefined;
  // The caller may say it.
  const told = await thread.run<Answer>("Who?", { outputSchema: plain });
  if (told.status === "completed") told.output.name satisfies string;
  thread.turn<Answer>("Who?", { outputSchema: plain }) satisfies Turn<Answer>;
  // @ts-expect-error -- but not something else than the schema says
  await thread.run<{ age: number }>("Who?", { outputSchema: zod });
}

export async function withoutSchema(thread: Thread, options?: TurnOptions): Promise<void> {
  const { output } = await thread.run("Hi");
  output satisfies undefined;
  const none = await thread.run("Hi", { outputSchema: null, model: undefined });
  none.output satisfies undefined;
  await thread.run("Hi", { outputSchema: undefined });
  thread.turn("Hi") satisfies Turn<undefined>;
  // Options that somebody else has made may hold any schema.
  const any = await thread.run("Hi", options);
  any satisfies TurnResult;
  // @ts-expect-error -- so nothing is known of the output
  any.output satisfies undefined;
}

/** Every way of writing JSON Schema is one. */
interface FromAnotherPackage {
  type?: string;
  properties?: Record<string, FromAnotherPackage>;
}

export function schemas(
  thread: Thread,
  theirs: FromAnotherPackage,
  record: Record<string, unknown>,
  json: Record<string, JsonValue>,
): void {
  theirs satisfies JsonSchema;
  record satisfies OutputSchema;
  json satisfies OutputSchema;
  thread.turn("Hi", { outputSchema: { type: "object", properties: {}, title: "Nothing" } });
  // @ts-expect-error -- this one cannot write itself as JSON Schema
  thread.turn("Hi", { outputSchema: valibot });
  // @ts-expect-error -- a text is no schema
  thread.turn("Hi", { outputSchema: "object" });
}
