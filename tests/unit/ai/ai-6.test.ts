import { expect, test } from "@jest/globals";
import { readUIMessageStream, type UIMessage } from "ai";
import { build } from "esbuild";
import { toUIMessageStream } from "../../../lib/ai/index.js";
import type { TurnPart } from "../../../lib/parts/turn-part.js";
import { partsOfStream } from "../../support/golden-parts.js";
import { recordedStreams } from "../../support/recorded-streams.js";
import { transcriptNames } from "../../support/transcripts.js";

const turns = transcriptNames().flatMap((name) =>
  recordedStreams(name).map(
    (stream, index) => [`${name} ${index}`, partsOfStream(stream)] as const,
  ),
);

async function* iterate(parts: readonly TurnPart[]): AsyncGenerator<TurnPart> {
  await Promise.resolve();
  yield* parts;
}

test.each(turns)("version 6 reads %s as one message", async (_name, parts) => {
  const errors: unknown[] = [];
  const reading = readUIMessageStream<UIMessage>({
    stream: toUIMessageStream(iterate(parts)),
    onError: (error) => errors.push(error),
  });
  let message: UIMessage | undefined;
  for await (const each of reading) message = each;
  const start = parts.find((part) => part.type === "start" && !part.origin);
  const end = parts.findLast((part) => part.type === "end");
  if (start?.type !== "start" || end?.type !== "end") throw new Error("the turn is not whole");
  expect(message).toMatchObject({ id: start.turnId, role: "assistant" });
  const failed = end.status !== "completed" && end.status !== "interrupted";
  const text = end.error?.title ?? "It is not known how the turn ended.";
  expect(errors).toEqual(failed ? [new Error(text)] : []);
  const texts = message?.parts.flatMap((part) => (part.type === "text" ? [part.text] : []));
  if (end.finalResponse !== null) expect(texts).toContain(end.finalResponse);
  const { usage } = end;
  if (usage && end.status === "completed") expect(message?.metadata).toMatchObject({ usage });
});

test("what is loaded is our own: nothing of the AI SDK, or of any package", async () => {
  const { metafile } = await build({
    entryPoints: ["lib/ai/index.ts"],
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "node",
    packages: "external",
  });
  const outside = Object.values(metafile.outputs).flatMap(({ imports }) => imports);
  expect(outside.filter(({ path }) => !path.startsWith("node:"))).toEqual([]);
  expect(Object.keys(metafile.inputs).filter((file) => !/^(lib|generated)\//.test(file))).toEqual(
    [],
  );
});
