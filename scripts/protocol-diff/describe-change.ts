import type { MessageKind } from "../coverage/protocol.js";
import { pathText, placeOf } from "./protocol-changes.js";
import type {
  Aspect,
  FieldChange,
  MethodChange,
  ProtocolChange,
  TypeChange,
  ValueChange,
} from "./protocol-changes.js";
import { code, codePair, listText } from "./wrap-text.js";

/** How many names are written out where there may be very many. */
const most = 3;

/** Says in sentences what is different. Several changes are of one object, and came or went together. */
export function describeChanges(changes: readonly ProtocolChange[]): string {
  const [first] = changes;
  if (!first) return "";
  switch (first.kind) {
    case "method":
      return describeMethod(first);
    case "type":
      return describeType(first);
    case "field":
      return describeFields(first, changes as readonly FieldChange[]);
    case "value":
      return describeValues(first, changes as readonly ValueChange[]);
  }
}

const nouns: Readonly<Record<MessageKind, string>> = {
  clientRequests: "request",
  clientNotifications: "client notification",
  serverRequests: "server request",
  serverNotifications: "notification",
};

function describeMethod(change: MethodChange): string {
  const { what, messageKind, experimental, params, result, types } = change;
  const noun = nouns[messageKind];
  const name = `${code(change.method)}${experimental ? " (experimental)" : ""}`;
  if (what === "changed") {
    const parts = change.aspects.map((aspect) => describeAspect(aspect, name));
    return [`${capital(noun)} ${parts.join("; ")}.`, newTypes(change)].join("");
  }
  const shown = [params, result].flatMap((type) => type?.match(/\w+/g) ?? []);
  const more = types.filter((type) => !shown.includes(type));
  const taken = params === "undefined" ? "no params" : code(params);
  const signature = `takes ${taken}${result === undefined ? "" : `, gives ${code(result)}`}`;
  const carried = result === undefined ? `carries ${taken}` : signature;
  const sentence =
    what === "added"
      ? `New ${noun} ${name}: ${carried}.`
      : `${capital(noun)} ${name} is gone: it ${past(carried)}.`;
  const renamed = change.perhapsRenamed;
  return [
    sentence,
    renamed === undefined ? "" : ` Perhaps renamed: ${renamedText(renamed, what)}.`,
    more.length === 0 ? "" : ` ${what === "added" ? "Brings" : "Takes along"} ${typeList(more)}.`,
  ].join("");
}

function past(text: string): string {
  return text
    .replace("takes ", "took ")
    .replace(", gives ", ", gave ")
    .replace("carries ", "carried ");
}

function renamedText(other: string, what: "added" | "removed"): string {
  return what === "added" ? `it was ${code(other)}` : `it is ${code(other)} now`;
}

function describeAspect(aspect: Aspect, name: string): string {
  switch (aspect.aspect) {
    case "params":
      return `${name} takes ${inPlaceOf(aspect)}`;
    case "result":
      return `${name} gives ${inPlaceOf(aspect)}`;
    case "type":
      return `${name} is ${inPlaceOf(aspect)}`;
    case "optional":
      return `${name} may be missing now`;
    case "required":
      return `${name} is required now`;
    case "nullable":
      return `${name} may be null now`;
    case "never null":
      return `${name} is never null any more`;
    case "deprecated":
      return `${name} is deprecated now`;
    case "no longer deprecated":
      return `${name} is no longer deprecated`;
    case "experimental":
      return `${name} is experimental now, and closed to clients with ${code("experimentalApi: false")}`;
    case "stable":
      return `${name} is stable now`;
  }
}

function inPlaceOf(aspect: Extract<Aspect, { before: string }>): string {
  const { before, after, sameShape, differences } = aspect;
  const how = sameShape
    ? " (another name for the same)"
    : differences.length > 0
      ? ` (${listText(differences, 5)})`
      : "";
  const [fresh, old] = codePair(after, before);
  return `${fresh} in place of ${old}${how}`;
}

function describeType(change: TypeChange): string {
  const { what, type, text, before = "" } = change;
  const name = code(type);
  const [fresh, old] = codePair(text, before);
  const sentence = {
    added: `New type ${name}: ${code(text)}; ${usesText(change)}.`,
    removed: `Type ${name} is gone: ${code(text)}; ${usesText(change)}.`,
    changed: `Type ${name} is ${fresh} in place of ${old}; ${usesText(change)}.`,
  }[what];
  const renamed = change.perhapsRenamed;
  const hint =
    renamed === undefined || what === "changed"
      ? ""
      : ` Perhaps renamed: ${renamedText(renamed, what)}.`;
  return `${sentence}${hint}${newTypes(change)}`;
}

function describeFields(first: FieldChange, changes: readonly FieldChange[]): string {
  const { what, perhapsRenamed: renamed } = first;
  const place = code(placeOf(first), 200);
  if (what === "changed") {
    const name = code(`${placeOf(first)}.${first.field}`, 200);
    const parts = first.aspects.map((aspect) => describeAspect(aspect, name));
    return `Field ${parts.join("; ")}; ${usesText(first)}.${newTypes(first)}`;
  }
  const texts = changes.map(
    ({ text, deprecated }) => `${code(text)}${deprecated ? " (deprecated)" : ""}`,
  );
  const noun = changes.length === 1 ? "field" : "fields";
  const sentence =
    what === "added"
      ? `New ${noun} of ${place}: ${listText(texts)}; ${usesText(first, changes.length)}.`
      : `${capital(noun)} of ${place} gone: ${listText(texts)}; ${usesText(first, changes.length)}.`;
  const hint = renamed === undefined ? "" : ` Perhaps renamed: ${renamedText(renamed, what)}.`;
  return `${sentence}${hint}${newTypes(...changes)}`;
}

function describeValues(first: ValueChange, changes: readonly ValueChange[]): string {
  const { what, valueKind, tag } = first;
  const many = changes.length > 1 ? "s" : "";
  const variant = first.isForm ? "form of a variant" : "variant";
  const noun = { literal: "value", variant, alternative: "alternative" }[valueKind];
  const texts = changes.map(({ value, text }) => {
    if (valueKind !== "variant") return code(value);
    const name = tag === undefined ? code(value) : code(`${tag}: ${JSON.stringify(value)}`);
    return changes.length === 1 ? `${name}, ${code(text, 100)}` : name;
  });
  const place = code(`${first.type}${pathText(first.path)}`, 200);
  const sentence =
    what === "added"
      ? `New ${noun}${many} of ${place}: ${listText(texts)}; ${usesText(first, changes.length)}.`
      : `${capital(noun)}${many} of ${place} gone: ${listText(texts)}; ${usesText(first, changes.length)}.`;
  return `${sentence}${newTypes(...changes)}`;
}

/** Says in which messages a type travels: the nearest ones. */
function usesText(change: TypeChange | FieldChange | ValueChange, count = 1): string {
  const it = count === 1 ? "it" : "them";
  const verb = {
    "we send": `we send ${it} in`,
    "we receive": `we receive ${it} in`,
    both: `we send and receive ${it} in`,
    unused: `no method uses ${it}`,
  }[change.direction];
  const methods = [...new Set(change.uses.map(({ method }) => method))].map((name) => code(name));
  return methods.length === 0 ? verb : `${verb} ${listText(methods, most)}`;
}

function newTypes(...changes: readonly ProtocolChange[]): string {
  const [first] = changes;
  const types = [...new Set(changes.flatMap((change) => change.types))];
  if (!first || types.length === 0) return "";
  return ` ${first.what === "removed" ? "Takes along" : "Brings"} ${typeList(types)}.`;
}

function typeList(types: readonly string[]): string {
  return listText(
    types.map((type) => code(type)),
    8,
  );
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
