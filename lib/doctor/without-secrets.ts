/** Not the place of a socket, nor the author of a commit. */
const secretName = /token|secret|passw|credential|cookie|key|auth(?!or|_sock)/i;
/** Shorter values stand everywhere. */
const minCharacters = 6;
const hidden = "…";

/**
 * Makes what takes out of a text the values of those variables whose names say that they are secret, and users,
 * passwords and queries of URLs. Of a secret of several lines, as a key is, each line may stand alone. The checks put no such values into their sentences; what a server says may
 * have them.
 */
export function withoutSecrets(env: NodeJS.ProcessEnv): (text: string) => string {
  const values = Object.entries(env).flatMap(([name, value = ""]) =>
    secretName.test(name) ? [value, ...value.split(/\s+/)] : passwordsIn(value),
  );
  const secrets = [...new Set(values)]
    .filter((value) => value.length >= minCharacters)
    .sort((one, other) => other.length - one.length);
  return (text) => {
    let clean = text;
    for (const secret of secrets) clean = clean.replaceAll(secret, hidden);
    return clean
      .replaceAll(/([a-z][a-z\d+.-]*:\/\/)[^\s/@]+@/gi, `$1${hidden}@`)
      .replaceAll(/([a-z][a-z\d+.-]*:\/\/[^\s?#]*)(?:\?|#[^\s,;)]*=)[^\s,;)]*/gi, "$1");
  };
}

/** What stands before the host of a URL, such as that of a proxy: all of it, and the password alone. */
function passwordsIn(value: string): string[] {
  const userinfo = /^(?:[a-z][a-z\d+.-]*:\/\/)?([^\s/@]+)@/i.exec(value)?.[1];
  if (userinfo === undefined) return [];
  const password = userinfo.slice(userinfo.indexOf(":") + 1);
  return [userinfo, password, decoded(password)];
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
