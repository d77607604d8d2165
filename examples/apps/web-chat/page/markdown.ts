import MarkdownIt from "markdown-it";

/**
 * What the model writes is untrusted: a page that it has read may have told it what to say. So HTML stays
 * text, links are http(s) only and tell the page that they lead to nothing, and images are links: loading
 * one would tell its server what was said here.
 */
const markdown = new MarkdownIt({ html: false, linkify: true });
markdown.validateLink = (url) => /^https?:/i.test(url.trim());
markdown.renderer.rules["image"] = (tokens, index) => {
  const image = tokens[index]!;
  const url = String(image.attrGet("src") ?? "");
  const { escapeHtml } = markdown.utils;
  const text = escapeHtml(image.content || url);
  return `<a href="${escapeHtml(url)}" rel="noopener noreferrer nofollow" target="_blank">${text}</a>`;
};
markdown.renderer.rules["link_open"] = (tokens, index, options, _env, self) => {
  tokens[index]!.attrSet("rel", "noopener noreferrer nofollow");
  tokens[index]!.attrSet("target", "_blank");
  return self.renderToken(tokens, index, options);
};

/** Shows Markdown in an element. */
export function showMarkdown(into: HTMLElement, text: string): void {
  into.innerHTML = markdown.render(text);
}
