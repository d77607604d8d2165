// node first-turn-ours.mjs <library>: from nothing to the end of the first turn; import not included.
import { measure } from "./measure.mjs";
import { config, env } from "./server-options.mjs";

const [library] = process.argv.slice(2);
const { Codex } = await import(library);
let codex;
await measure(async () => {
  codex = new Codex({ config, env });
  const thread = await codex.startThread();
  await thread.run("Why does the build fail?");
});
await codex.close();
