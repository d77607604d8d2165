/** What stands in the place of a secret. */
export const redacted = "[redacted]";

/** Names of fields whose text is a secret, however deep it lies below them. */
const secretName =
  /(token|secret|password|passwd|api_?key|access_?key(_?id)?|private_?key|credentials?|authorization|cookie|user_?code|pairing_?code|auth_?url|verification_?url(_complete)?)s?$/i;

/** Names of fields that hold values of environment variables or HTTP headers, each by its name. */
const valuesByName = /^(env|env_?vars?|environment_?variables?|(env_)?http_?headers|headers)$/i;

const email = /[\w.+-]+@[\w-]+(\.[\w-]+)+/g;

/** Secrets that their own shape gives away, wherever they stand in a text, with what takes their place. */
const shapes: readonly (readonly [RegExp, string])[] = [
  [/\beyJ[\w-]{6,}\.[\w-]{6,}\.[\w-]*/g, redacted],
  [/\bsk-[\w-]{12,}/g, redacted],
  [/\b(gh[pousr]_|github_pat_|glpat-|xox[abprs]-|npm_)[\w-]{12,}/g, redacted],
  [/\b(AKIA|ASIA)[0-9A-Z]{16}\b/g, redacted],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${redacted}`],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, redacted],
  [/(\w+:\/\/[^\s:/@]+:)[^\s/@]+@/g, `$1${redacted}@`],
  [
    /\b([A-Z0-9_]*(?:TOKEN|SECRET|PASSWORD|API_?KEY)[A-Z0-9_]*=)(["']?)[^\s"']+\2/g,
    `$1${redacted}`,
  ],
  [email, "someone@example.com"],
];

/** The shortest value of an environment variable that is looked for: shorter ones stand everywhere. */
const minValueLength = 8;

/**
 * Makes what takes the secrets out of a message: by the names of fields, by the shape of text, and the
 * values of those variables of `environment` whose names say that they are secret.
 */
export function createRedaction(
  environment: Readonly<Record<string, string | undefined>>,
): (message: unknown) => unknown {
  const values = Object.entries(environment)
    .filter(([name]) => /token|secret|passw|key|credential|auth/i.test(name))
    .flatMap(([, value]) => (value !== undefined && value.length >= minValueLength ? [value] : []))
    .sort((one, other) => other.length - one.length);

  const inText = (text: string): string => {
    let clean = text;
    for (const value of values) {
      if (clean.includes(value)) clean = clean.replaceAll(value, redacted);
    }
    for (const [shape, replacement] of shapes) clean = clean.replace(shape, replacement);
    return clean;
  };

  const clean = (value: unknown, isSecret: boolean): unknown => {
    if (typeof value === "string") return isSecret && value !== "" ? redacted : inText(value);
    if (Array.isArray(value)) return value.map((entry) => clean(entry, isSecret));
    if (typeof value !== "object" || value === null) return value;
    const fields = Object.entries(value);
    // A change of the configuration: the path says what the value beside it is.
    const { keyPath } = value as { keyPath?: unknown };
    const isSecretPath = typeof keyPath === "string" && holdsSecrets(keyPath);
    return Object.fromEntries(
      fields.map(([name, entry]) => [
        inText(name),
        clean(entry, isSecret || holdsSecrets(name) || (isSecretPath && name === "value")),
      ]),
    );
  };

  return (message) => clean(message, false);
}

/** Whether a field is named after a secret, or a part of its dotted path is. */
function holdsSecrets(name: string): boolean {
  return name.split(".").some((part) => {
    const plain = part.replaceAll(/["']/g, "");
    return secretName.test(plain) || valuesByName.test(plain);
  });
}
