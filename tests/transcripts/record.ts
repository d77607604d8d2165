import type { LoopbackConfigOverrides } from "../../lib/testing/index.js";
import { RawStage } from "../support/raw-stage.js";
import type { RawClient } from "../support/raw-client.js";
import { RUNTIME_VERSION } from "../../generated/runtime.js";
import type { RecordingLine } from "../../lib/recording/format.js";
import { createRedaction } from "../../lib/recording/redact.js";
import { Sanitiser } from "./sanitise.js";

/** The clocks of all transcripts are moved to this day. */
const date = "2026-01-01T00:00:00.000Z";

export interface Scenario {
  readonly name: string;
  readonly overrides?: LoopbackConfigOverrides;
  readonly play: (stage: RawStage) => Promise<void>;
}

/**
 * Plays a scenario on the real server and gives its recording, that of its last process: sanitised, so that
 * it says nothing of this machine, and of the same day each time.
 */
export async function record({ overrides = {}, play }: Scenario): Promise<RecordingLine[]> {
  let raw: { readonly dir: "in" | "out"; readonly message: unknown }[] = [];
  const onStart = (client: RawClient) => {
    const lines: typeof raw = [];
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
  const head = { recording: 1, server: RUNTIME_VERSION, sdk: null, date } as const;
  const redact = createRedaction({});
  const messages = raw.map(({ dir, message }) => ({
    dir,
    message: redact(sanitiser.clean(message)) as Readonly<Record<string, unknown>>,
  }));
  return [head, ...messages];
}
