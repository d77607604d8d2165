import { writeFile } from "node:fs/promises";
import { makeBodySchemas, target } from "./make-body-schemas.js";

await writeFile(target, await makeBodySchemas());
console.log(`Wrote ${target}`);
