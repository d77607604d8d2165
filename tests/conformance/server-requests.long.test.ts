import { testArea } from "./test-area.js";

testArea("Requests of the server");
