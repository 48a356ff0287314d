/** The dashboard for other rooms: where its built files are, and the errors that the page shows. */
import { fileURLToPath } from "node:url";

export { dashboardErrors } from "./errors.ts";

export const dashboardFiles: string = fileURLToPath(new URL("../dist", import.meta.url));
