import { createRoot } from "react-dom/client";
import { Chat } from "./chat.js";

// The chat is in the address, so that a reload finds it again.
if (location.hash === "") history.replaceState(null, "", `#${crypto.randomUUID()}`);
const root = document.getElementById("root");
if (root) createRoot(root).render(<Chat id={location.hash.slice(1)} />);
