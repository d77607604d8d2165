/**
 * `npm run quickstart` runs one real turn in the terminal; with `-- --web` it opens the chat of
 * examples/apps/web-chat. Either takes your login, your API key, or a scripted model on the loopback.
 */
const unknown = process.argv.slice(2).filter((argument) => argument !== "--web");
if (unknown.length > 0) {
  console.error(`${unknown.join(" ")} is not known. Run: npm run quickstart [-- --web]`);
  process.exitCode = 2;
} else if (process.argv.includes("--web")) {
  const { openWebChat } = await import("./open-web-chat.js");
  await openWebChat();
} else {
  await import("../../examples/01-quickstart.js");
}
