import { hasCode } from "@tfgrid/primitives";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { BrowserRouter } from "react-router";
import { App } from "./app.tsx";

/** Only silence is worth a second try at once: an answer, also a bad one, is shown. */
const retry = (failed: number, error: Error): boolean => failed < 1 && hasCode(error, "dashboard.explorer_unreachable");
const client = new QueryClient({ defaultOptions: { queries: { retry, staleTime: 1_000, refetchOnWindowFocus: true, networkMode: "always" } } });
const root = document.getElementById("root");
if (root === null) throw new Error("index.html has the element #root");
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={client}>
      <BrowserRouter>
        <App />
      </BrowserRouter>
    </QueryClientProvider>
  </StrictMode>,
);
