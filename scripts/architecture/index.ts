/** Writes what docs/architecture.md shows of the life of a turn, from the code. */
import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { withTurnTable } from "./turn-table.js";

const path = fileURLToPath(new URL("../../docs/architecture.md", import.meta.url));
await writeFile(path, withTurnTable(await readFile(path, "utf8")));
