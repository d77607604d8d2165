import { PassThrough, Transform } from "node:stream";
import { AppServerClient } from "../../lib/client.js";
import { resolveLaunch } from "../../lib/runtime/launch.js";
import { startStdioTransport } from "../../lib/transport/stdio-transport.js";
import type { RealStage } from "./real.js";

/** A client of a real server that never hears the notifications of these methods. */
export async function deafClient(
  stage: RealStage,
  methods: readonly string[],
): Promise<AppServerClient> {
  const real = await startStdioTransport(await resolveLaunch(stage.options()), {});
  const input = real.input.pipe(withoutMethods(methods)).pipe(new PassThrough());
  return AppServerClient.attach({
    input,
    output: real.output,
    ended: real.ended,
    stderrTail: () => real.stderrTail?.() ?? "",
    close: () => real.close(),
  });
}

function withoutMethods(methods: readonly string[]): Transform {
  let rest = "";
  return new Transform({
    encoding: "utf8",
    decodeStrings: true,
    transform(chunk: Buffer, _encoding, done) {
      const lines = (rest + chunk.toString("utf8")).split("\n");
      rest = lines.pop() ?? "";
      const heard = lines.filter((line) => {
        const { method } = JSON.parse(line) as { method?: string };
        return method === undefined || !methods.includes(method);
      });
      done(null, heard.map((line) => `${line}\n`).join(""));
    },
  });
}
