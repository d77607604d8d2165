type Child = Node | string | null | undefined | false;

/** Makes an element. Text is text: nothing that the model says becomes HTML here. */
export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  properties: Partial<HTMLElementTagNameMap[Tag]> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  Object.assign(made, properties);
  made.append(...children.filter((child): child is Node | string => Boolean(child)));
  return made;
}

/** An element of the page itself. */
export function byId<Type extends HTMLElement = HTMLElement>(id: string): Type {
  return document.getElementById(id) as Type;
}
