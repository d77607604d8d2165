import { InvalidArgumentError } from "../../index.js";

/** As many objects and arrays inside one another the server reads. */
const maxLevels = 125;

/**
 * Refuses what JSON would drop or change: what is added here runs on another machine.
 *
 * @throws InvalidArgumentError, which names the place.
 */
export function checkJson(path: string, value: unknown): void {
  checkWithin(path, value, path, maxLevels);
}

function checkWithin(path: string, value: unknown, whole: string, levels: number): void {
  if (value === undefined || value === null || typeof value === "boolean") return;
  if (typeof value === "string") return;
  if (typeof value === "number") {
    if (Number.isFinite(value)) return;
    throw new InvalidArgumentError(path, "must be a finite number, to travel as JSON");
  }
  if (typeof value !== "object") throw new InvalidArgumentError(path, notJson(value));
  if (levels === 0) {
    const problem = `must not have more than ${maxLevels} objects and arrays inside one another, or a circle`;
    throw new InvalidArgumentError(whole, problem);
  }
  const checkEach = (place: string, each: unknown): void => {
    checkWithin(place, each, whole, levels - 1);
  };
  if (Array.isArray(value)) {
    value.forEach((each, index) => {
      checkEach(`${path}[${index}]`, each);
    });
    return;
  }
  if (!isPlain(value)) throw new InvalidArgumentError(path, notJson(value));
  for (const [name, each] of Object.entries(value)) checkEach(`${path}.${name}`, each);
}

function notJson(value: unknown): string {
  if (typeof value === "function") {
    return "is a function, which cannot travel to another machine: give it to the worker";
  }
  if (ArrayBuffer.isView(value)) {
    return "holds bytes, which cannot travel as JSON: give them as a data: URL";
  }
  return "must be plain JSON, since the job runs on another machine";
}

/** Whether an object has fields and nothing else; also one of another realm. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
