/**
 * `example-image.ts DIR PROGRAM TAG`: writes the OCI image of one part of the example. A process of its own, because an image
 * with a whole Node in it passes through memory while it is made, and the supervisor stays up for days.
 */
import { imageBuilder } from "@tfgrid/zero-os";

const [dir = "", program = "", tag = ""] = process.argv.slice(2);
const node = "/usr/local/bin/node";
await imageBuilder.writeOciImage({
  dir,
  tag,
  layers: [
    // The first layer is the same for every part: it is pulled and kept once.
    [
      ...(await imageBuilder.hostProgram(process.execPath, node)),
      { path: "/etc/passwd", content: "root:x:0:0:root:/:/sbin/nologin\napp:x:1000:1000:app:/:/sbin/nologin\n" },
      { path: "/tmp", mode: 0o1777 },
    ],
    [
      { path: "/app/server.mjs", hostPath: program, mode: 0o644 },
      { path: "/data", mode: 0o755, uid: 1000, gid: 1000 },
    ],
  ],
  config: { Entrypoint: [node, "--max-semi-space-size=1", "/app/server.mjs"], User: "1000:1000", WorkingDir: "/app", StopSignal: "SIGTERM" },
});
