import { pathToFileURL } from "node:url";

/** Makes sure that every class and function is called what it is exported as: `error.name` tells. */
export async function checkNames(file: string): Promise<void> {
  const exports = (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  for (const [name, value] of Object.entries(exports)) {
    if (typeof value === "function" && value.name !== name) {
      throw new Error(`${file} exports ${value.name} as ${name}: two things have one name.`);
    }
  }
}
