// All that the page imports, under the names that it imports.
export { createElement } from "react";
export { createRoot } from "react-dom/client";
export { GraphiQL, HISTORY_PLUGIN } from "graphiql";
export { useGraphiQL, useGraphiQLActions } from "@graphiql/react";
export { createLocalStorage } from "@graphiql/toolkit";
export { explorerPlugin } from "@graphiql/plugin-explorer";

import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
