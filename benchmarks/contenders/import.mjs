// node import.mjs <module>
import { measure } from "./measure.mjs";

const [specifier] = process.argv.slice(2);
await measure(async () => {
  await import(specifier);
});
