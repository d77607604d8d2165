/**
 * A host that is going to be killed: `doomed-host.ts <options> <thread options>`. It runs a turn whose
 * approval nobody answers, and says so on its output.
 */
import { Codex, type CodexOptions } from "../../lib/index.js";

const [options = "{}", prompt = ""] = process.argv.slice(2);

const codex = new Codex(JSON.parse(options) as CodexOptions);
const thread = await codex.startThread({
  approvalPolicy: "untrusted",
  onApproval: () => {
    process.stdout.write("asked\n");
    return new Promise(() => undefined);
  },
});
await thread.run(prompt);
