/** The dashboard for other rooms: where its built files are. */
import { fileURLToPath } from "node:url";

export const dashboardFiles: string = fileURLToPath(new URL("../dist", import.meta.url));
