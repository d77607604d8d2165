import type { MessageKind } from "../coverage/protocol.js";
import type { Use } from "./protocol-surface.js";

/** What is different in the second of two releases. */
export interface ProtocolChanges {
  /** The versions of the two. */
  readonly before: string;
  readonly after: string;
  /** In a stable order: by kind, then by name. */
  readonly changes: readonly ProtocolChange[];
  /** What could not be read in either, and is not compared: a line each. */
  readonly notes: readonly string[];
}

export type ProtocolChange = MethodChange | TypeChange | FieldChange | ValueChange;

interface Change {
  /** Tells the change from all others of the two releases: `"field Project.position removed"`. */
  readonly id: string;
  readonly what: "added" | "removed" | "changed";
  /** Whether code that uses this library may have to be changed for it, or stops working. */
  readonly breaking: boolean;
  /** The name of what was removed, or added, in the same place and with the same shape. */
  readonly perhapsRenamed?: string;
  /** Types that came or went with this change and with no other. They have no change of their own. */
  readonly types: readonly string[];
}

export interface MethodChange extends Change {
  readonly kind: "method";
  readonly messageKind: MessageKind;
  readonly method: string;
  readonly experimental: boolean;
  /** The types as TypeScript: of what was removed or added, and of what a change led to. */
  readonly params: string;
  /** Undefined for notifications. */
  readonly result: string | undefined;
  /** What was changed; empty otherwise. */
  readonly aspects: readonly Aspect[];
}

/** Where in the protocol a part of a type is. */
interface Part {
  /** The named type that declares it. */
  readonly type: string;
  /** From the type to the part. */
  readonly path: readonly Step[];
  /** The ways that the type travels, the nearest first: empty for a type that no method uses. */
  readonly uses: readonly Use[];
  readonly direction: Direction;
}

export type Direction = "we send" | "we receive" | "both" | "unused";

/** `variants`: inside these of a union's objects. `element`: inside a list or a map. */
export type Step =
  | { readonly field: string }
  | { readonly variants: readonly string[] }
  | { readonly element: true };

export interface TypeChange extends Change, Part {
  readonly kind: "type";
  /** The type as TypeScript; of a change, those before and after. */
  readonly text: string;
  readonly before?: string;
}

export interface FieldChange extends Change, Part {
  readonly kind: "field";
  readonly field: string;
  /** The field as TypeScript, such as `"name?: string | null"`: the newer one of a change. */
  readonly text: string;
  readonly deprecated: boolean;
  /** What was changed; empty otherwise. */
  readonly aspects: readonly Aspect[];
}

export interface ValueChange extends Change, Part {
  readonly kind: "value";
  /** The string or number, as JSON, the name of a variant, or another type that the value may have. */
  readonly value: string;
  readonly valueKind: "literal" | "variant" | "alternative";
  /** Of a variant, the object as TypeScript. */
  readonly text: string;
  /** Of a variant, the field that tells it from the others, such as `"type"`. */
  readonly tag?: string | undefined;
  /** A variant of that name was there before, or stays: what is said here is another form of it. */
  readonly isForm: boolean;
}

/** One thing that is different about a method or field that was there before. */
export type Aspect =
  | {
      readonly aspect: "params" | "result" | "type";
      readonly before: string;
      readonly after: string;
      /** The types have other names, and the same shape. */
      readonly sameShape: boolean;
      /** In what they differ, a few words each; empty when they have nothing in common. */
      readonly differences: readonly string[];
    }
  | {
      readonly aspect:
        | "optional"
        | "required"
        | "nullable"
        | "never null"
        | "deprecated"
        | "no longer deprecated"
        | "experimental"
        | "stable";
    };

/** `Thread.items[].status`, or `ThreadItem(mcpToolCall).tool`. */
export function placeOf({ type, path }: Pick<Part, "type" | "path">): string {
  return `${type}${pathText(path)}`;
}

export function pathText(path: readonly Step[]): string {
  return path
    .map((step) => {
      if ("field" in step) return `.${step.field}`;
      return "variants" in step ? `(${step.variants.join(", ")})` : "[]";
    })
    .join("");
}
