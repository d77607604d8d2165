import { element } from "./element.js";

/** A unified diff, with the lines that come and go told apart by more than their colour. */
export function diffElement(diff: string): HTMLElement {
  const lines = diff.replace(/\n$/, "").split("\n");
  return element("pre", { className: "diff", tabIndex: 0 }, ...lines.map(lineElement));
}

function lineElement(line: string): HTMLElement {
  const isHeader = line.startsWith("+++") || line.startsWith("---");
  const className = isHeader
    ? ""
    : line.startsWith("+")
      ? "add"
      : line.startsWith("-")
        ? "remove"
        : "";
  return element("span", { className }, line);
}
