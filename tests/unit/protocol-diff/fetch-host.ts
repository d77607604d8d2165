/** Fetches a runtime in a process of its own: `fetch-host.ts <root> <version>`. Says when it downloads. */
import { fetchRuntime } from "../../../scripts/protocol-diff/fetch-runtime.js";

const [root = "", version = ""] = process.argv.slice(2);
const binary = await fetchRuntime(version, {
  root,
  platform: "linux",
  arch: "x64",
  onProgress: () => {
    console.log("downloading");
  },
});
console.log(binary);
