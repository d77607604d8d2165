import ts from "typescript";

/** A place in a source where the words of a text decide something. */
export interface SentenceMatch {
  /** The expression, as it is written, on one line. */
  readonly code: string;
  readonly line: number;
}

const methodsOfText = new Set([
  "endsWith",
  "includes",
  "indexOf",
  "lastIndexOf",
  "match",
  "matchAll",
  "replace",
  "replaceAll",
  "search",
  "split",
  "startsWith",
]);
const methodsOfPatterns = new Set(["exec", "test"]);

/** What a variable or a field is called that holds what somebody has said. */
const nameOfText =
  /^(?:.*(?:message|sentence|stderr|warning|words|said)|additionaldetails|error|problem|reason|stderrtail|summary|verdict)$/i;

/** Two words with a space between them: no key, no name of a method, no value of an enum. */
const sentence = /[A-Za-z]{2,}[,:]? (?:[`'"(\\]*)[A-Za-z]{2,}/;

/**
 * The places in a source that look for words in a text: a call such as `includes()` or `test()` on what is
 * called a message, a sentence and the like, whatever it is compared with; and any comparison, pattern or
 * search whose own text is a sentence, whatever it is applied to. What the table of sentences has is no match.
 */
export function sentenceMatches(source: ts.SourceFile): SentenceMatch[] {
  const found = new Map<number, SentenceMatch>();
  const add = (node: ts.Node): void => {
    const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
    const code = node.getText(source).replace(/\s+/g, " ");
    if (!found.has(line)) found.set(line, { code, line: line + 1 });
  };
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && decidesByText(node)) add(node);
    else if (ts.isBinaryExpression(node) && isEquality(node.operatorToken.kind)) {
      if (isSentence(node.left) || isSentence(node.right)) add(node);
    } else if (ts.isCaseClause(node) && isSentence(node.expression)) add(node.expression);
    else if (ts.isRegularExpressionLiteral(node) && sentence.test(node.text)) add(node);
    ts.forEachChild(node, visit);
  };
  visit(source);
  return [...found.values()];
}

function decidesByText({ expression, arguments: args }: ts.CallExpression): boolean {
  if (!ts.isPropertyAccessExpression(expression)) return false;
  const { name, expression: receiver } = expression;
  const [first] = args;
  if (methodsOfPatterns.has(name.text)) return first !== undefined && isText(first);
  if (!methodsOfText.has(name.text)) return false;
  if (first?.getText().startsWith("serverSentences.")) return false;
  return isText(receiver) || (first !== undefined && isSentence(first));
}

function isText(node: ts.Expression): boolean {
  if (ts.isIdentifier(node)) return nameOfText.test(node.text);
  if (ts.isPropertyAccessExpression(node)) return nameOfText.test(node.name.text);
  if (ts.isElementAccessExpression(node)) {
    const { argumentExpression } = node;
    return ts.isStringLiteralLike(argumentExpression) && nameOfText.test(argumentExpression.text);
  }
  if (ts.isParenthesizedExpression(node) || ts.isNonNullExpression(node) || ts.isAsExpression(node))
    return isText(node.expression);
  if (ts.isBinaryExpression(node)) return isText(node.left) || isText(node.right);
  // message.trim(), message.slice(0, 10), textIn(params, "message")
  if (!ts.isCallExpression(node)) return false;
  const { expression, arguments: args } = node;
  if (ts.isPropertyAccessExpression(expression)) return isText(expression.expression);
  return args.some((arg) => ts.isStringLiteralLike(arg) && nameOfText.test(arg.text));
}

function isSentence(node: ts.Expression): boolean {
  if (ts.isStringLiteralLike(node)) return sentence.test(node.text);
  return ts.isTemplateExpression(node) && sentence.test(node.getText());
}

function isEquality(kind: ts.SyntaxKind): boolean {
  return (
    kind === ts.SyntaxKind.EqualsEqualsEqualsToken ||
    kind === ts.SyntaxKind.ExclamationEqualsEqualsToken
  );
}
