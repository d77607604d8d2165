/**
 * Puts the values of `context` in the place of `{{path}}`, and long text in the place of
 * `{ repeatText, times }`.
 */
export function fillIn(value: unknown, context: object): unknown {
  if (typeof value === "string") return fillText(value, context);
  if (Array.isArray(value)) return value.map((item) => fillIn(item, context));
  if (typeof value !== "object" || value === null) return value;
  const { repeatText, times } = value as { repeatText?: unknown; times?: number };
  if (typeof repeatText === "string") return repeatText.repeat(times ?? 1);
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [key, fillIn(inner, context)]),
  );
}

/** A text that is nothing but a place becomes the value itself, which need not be text. */
function fillText(text: string, context: object): unknown {
  if (!text.includes("{{")) return text;
  const whole = /^\{\{([\w.]+)\}\}$/.exec(text);
  if (whole) return lookUp(context, whole[1] ?? "");
  return text.replace(/\{\{([\w.]+)\}\}/g, (_, path: string) => String(lookUp(context, path)));
}

function lookUp(context: object, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (value, key) => (value as Record<string, unknown> | undefined)?.[key],
      context,
    );
}
