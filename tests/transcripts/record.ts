import type { LoopbackConfigOverrides } from "../../lib/testing/index.js";
import { RawStage } from "../support/raw-stage.js";
import type { RawClient } from "../support/raw-client.js";
import { Sanitiser } from "./sanitise.js";

/** One line of a transcript. `"out"` is client to server, `"in"` is server to client. */
export interface TranscriptLine {
  readonly dir: "out" | "in";
  readonly message: unknown;
}

export interface Scenario {
  readonly name: string;
  readonly overrides?: LoopbackConfigOverrides;
  readonly play: (stage: RawStage) => Promise<void>;
}

/** Plays a scenario on the real server and gives its transcript, sanitised: that of its last process. */
export async function record({ overrides = {}, play }: Scenario): Promise<TranscriptLine[]> {
  let raw: TranscriptLine[] = [];
  const onStart = (client: RawClient) => {
    const lines: TranscriptLine[] = [];
    raw = lines;
    client.onMessage((message, dir) => {
      if (message.method !== "raw/exited") lines.push({ dir, message });
    });
  };
  const stage = await RawStage.open({ overrides, onStart });
  const sanitiser = new Sanitiser({
    codexHome: stage.options.env.CODEX_HOME ?? "",
    project: stage.project,
  });
  try {
    await play(stage);
  } finally {
    await stage.close();
  }
  return raw.map(({ dir, message }) => ({ dir, message: sanitiser.clean(message) }));
}
