import tailwindcss from "@tailwindcss/vite";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** While developing: `EXPLORER=http://127.0.0.1:PORT npx vite`. */
const explorer = process.env["EXPLORER"];

export default defineConfig({
  plugins: [react(), tailwindcss()],
  build: { target: "es2024", sourcemap: false, chunkSizeWarningLimit: 900 },
  server: explorer === undefined ? {} : { proxy: { "/api": explorer } },
});
