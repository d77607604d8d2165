/**
 * Answers with a shape: the schema goes to the model, and the answer comes back parsed, checked and
 * typed. Schemas of Zod, ArkType and Valibot do, and plain JSON Schema.
 */
import assert from "node:assert/strict";
import { Codex, InvalidArgumentError, OutputMismatchError } from "codex-app-server-sdk";
import { configFor, reply, startLoopbackModel } from "codex-app-server-sdk/testing";
import * as z from "zod";

await using model = await startLoopbackModel();
await using codex = new Codex(await configFor(model));
const thread = await codex.startThread();

const Report = z.object({
  summary: z.string().describe("One sentence"),
  severity: z.enum(["low", "high"]),
  // The model writes null for an optional property, and the library takes it out again.
  line: z.int().optional(),
  found: z.iso.date().transform((text) => new Date(text)),
});

model.enqueue(
  reply.text('{"summary":"It leaks.","severity":"high","line":null,"found":"2026-11-22"}'),
);
const result = await thread.run("Review lib/pool.ts.", { outputSchema: Report });
// An interrupted turn has a result, too, but no output.
if (result.status !== "completed") throw new Error(`the turn was ${result.status}`);
const { summary, severity, line, found } = result.output; // string, "low" | "high", number?, Date
console.log(
  `${result.status}: ${severity}, ${summary} (${found.getUTCFullYear()}, line ${line ?? "?"})`,
);

// When an answer does not fit, `run()` throws, and the error has the answer: ask again, say.
model.enqueue(reply.text('{"summary":"Hm.","severity":"odd","line":1,"found":"2026-11-22"}'));
let places: string[] = [];
try {
  await thread.run("And lib/queue.ts?", { outputSchema: Report });
} catch (error) {
  if (!(error instanceof OutputMismatchError)) throw error;
  places = error.issues.map(({ path }) => path.join("."));
  console.log(`${error.code}: ${places.join()} in ${error.text ?? "nothing"}`);
}

// Strict mode cannot express some schemas, such as records. The call fails before it is sent.
let refused = "";
try {
  const outputSchema = z.object({ counts: z.record(z.string(), z.number()) });
  await thread.run("Count the words.", { outputSchema });
} catch (error) {
  if (!(error instanceof InvalidArgumentError)) throw error;
  refused = error.argument;
  console.log(`refused: ${error.message}`);
}

// A list of pairs says the same. Plain JSON Schema gives the output no type: name one, or check.
interface Counts {
  counts: { word: string; count: number }[];
}
const pair = {
  type: "object",
  properties: { word: { type: "string" }, count: { type: "integer" } },
};
const outputSchema = {
  type: "object",
  properties: { counts: { type: "array", items: { ...pair, required: ["word", "count"] } } },
  required: ["counts"],
};
model.enqueue(reply.text('{"counts":[{"word":"pool","count":3}]}'));
const counted = await thread.run<Counts>("Count the words.", { outputSchema });
const [most] = counted.output?.counts ?? [];
console.log(`${most?.word ?? ""}: ${most?.count ?? 0}`);

// The next turn has no schema.
const { output } = await thread.run("Thanks.");

assert.deepEqual([line, found.toISOString()], [undefined, "2026-11-22T00:00:00.000Z"]);
assert.deepEqual([places, refused], [["severity"], "outputSchema.properties.counts"]);
assert.deepEqual([most, output], [{ word: "pool", count: 3 }, undefined]);
